/** What somebody sees who has no session: a field for a key. */
import { useEffect, useState } from 'preact/hooks';
import { say } from '../parts/dialogs.js';
import { Card, Head } from '../parts/layout.js';
import { hasIssuer, signIn } from '../session.js';

export function SignInPage() {
  const [key, setKey] = useState('');
  const [isByIssuer, setByIssuer] = useState(false);
  useEffect(() => {
    void hasIssuer().then(setByIssuer);
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const why = await signIn(key.trim());
    if (why !== undefined) say(why, true);
  };
  return (
    <>
      <Head
        name="Sign in"
        verdict="Sign in"
        sub="This server asks for keys. The browser stays signed in for 12 hours, and does not keep the key."
      />
      {isByIssuer && (
        <Card title="Your account">
          <p class="pad">
            <a class="button first" href="/v1/session/oidc" data-leaves>
              Sign in with your account
            </a>
          </p>
        </Card>
      )}
      <Card title="Your key">
        <form class="pad fields" onSubmit={(event) => void submit(event)}>
          <label>
            Key
            <input
              type="password"
              required
              autocomplete="current-password"
              placeholder="hf_…"
              value={key}
              onInput={({ currentTarget: { value } }) => setKey(value)}
            />
          </label>
          <p class="caption">
            A key is made by <code>npx holdfast keys create</code>. One with the scopes queues:read and
            queues:data sees everything of queues and changes nothing.
          </p>
          <div>
            <button type="submit" class="first">
              Sign in
            </button>
          </div>
        </form>
      </Card>
    </>
  );
}
