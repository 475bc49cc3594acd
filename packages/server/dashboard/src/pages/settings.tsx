/** What this session may do, how the dashboard looks, and where the rest of the server is. */
import { Card, Facts, Head } from '../parts/layout.js';
import { session, signOut } from '../session.js';
import { chooseTheme, THEMES, theme } from '../theme.js';

export function SettingsPage() {
  const { subject = 'nobody', keyId, scopes = [] } = session.value ?? {};
  // Who has signed in by an issuer has no key.
  const isSomebody = keyId !== undefined || subject !== 'anybody';
  return (
    <>
      <Head
        name="Settings"
        verdict={isSomebody ? `You are ${subject}` : 'This server asks for no keys'}
        sub={
          isSomebody
            ? undefined
            : 'It listens on this machine only, and everybody who reaches it may do everything.'
        }
      >
        {isSomebody && (
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        )}
      </Head>
      <div class="two">
        <Card title="Rights of this session">
          <div class="pad">
            <Facts
              of={[
                ['Subject', subject],
                ['Key', keyId && <span class="mono">{keyId}</span>],
                ...scopes.map(
                  (scope) =>
                    [
                      'May',
                      <span key={JSON.stringify(scope)} class="mono">
                        {textOf(scope)}
                      </span>,
                    ] as const,
                ),
              ]}
            />
          </div>
        </Card>
        <Card title="Appearance">
          <div class="pad">
            <label>
              Theme
              <select
                value={theme.value}
                onChange={({ currentTarget: { value } }) => chooseTheme(value as (typeof THEMES)[number])}
              >
                {THEMES.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          </div>
        </Card>
        <Card title="The rest of the server">
          <div class="pad">
            <Facts
              of={[
                [
                  'Operations',
                  <a key="openapi" href="/openapi.json" data-leaves>
                    OpenAPI 3.1
                  </a>,
                ],
                [
                  'Metrics',
                  <a key="metrics" href="/metrics" data-leaves>
                    for Prometheus
                  </a>,
                ],
                [
                  'Ready',
                  <a key="ready" href="/readyz?deep=true" data-leaves>
                    with the state of the stores
                  </a>,
                ],
              ]}
            />
          </div>
        </Card>
      </div>
    </>
  );
}

const textOf = ({ system, action, pattern }: { system: string; action: string; pattern: string }): string =>
  system === '*' && action === '*' && pattern === '*'
    ? 'everything'
    : `${system}:${action}${pattern === '*' ? '' : `=${pattern}`}`;
