/** One run: its steps over time, what it has published and given, what it waits for, and what its steps write, as they write. */
import type { WaterfallRow } from '@holdfast/client';
import { duration, shownName } from '../format.js';
import { useLive } from '../live.js';
import { act } from '../parts/dialogs.js';
import { Card, Empty, Facts, Head, Pill, Refused } from '../parts/layout.js';
import { Json, Name, Time } from '../parts/text.js';
import { Waterfall } from '../parts/waterfall.js';
import { href } from '../router.js';
import { RUN_LABELS, RUN_TONES, type RunRef, type RunState, runPath } from '../runs.js';
import { may } from '../session.js';
import { RunActions } from './run-actions.js';
import { ForkForm, MessageForm } from './run-forms.js';
import { StreamCard } from './stream.js';

interface Shown extends RunRef {
  readonly status: RunState;
  readonly reason?: string;
  readonly state?: unknown;
  readonly result?: unknown;
}

interface Steps {
  readonly started?: number;
  readonly rows: readonly WaterfallRow[];
}

const OVER: readonly RunState[] = ['completed', 'failed', 'cancelled'];

export function RunPage({ run }: { readonly run: RunRef }) {
  const { workflow, id } = run;
  const { value, problem, stale } = useLive<Shown>(runPath(run));
  const isGone = problem?.status === 404 || problem?.status === 410;
  return (
    <>
      <Head
        name={shownName(id)}
        verdict={
          <>
            <Name of={id} /> {isGone ? 'is not known any more' : value ? VERDICTS[value.status] : ''}
          </>
        }
        sub={value?.reason}
        crumbs={
          <>
            <a href="/workflows">Workflows</a> /{' '}
            <a href={href('/workflows/:workflow', { workflow })}>{shownName(workflow)}</a>
          </>
        }
      >
        {value && !isGone && <RunActions run={run} state={value.status} />}
      </Head>
      {problem && !value && <Refused problem={problem} />}
      {value && (
        <>
          <StepsCard run={run} isOver={OVER.includes(value.status)} />
          <div class="two">
            <div class="rows">
              <About run={value} stale={stale} />
              <Approvals run={run} status={value.status} />
              <Forms run={run} status={value.status} />
            </div>
            <div class="rows">
              <StreamCard run={run} />
              <Contents run={value} />
            </div>
          </div>
        </>
      )}
    </>
  );
}

const VERDICTS: Readonly<Record<RunState, string>> = {
  waiting: 'waits for a worker',
  running: 'is being worked on',
  sleeping: 'sleeps until something comes',
  delayed: 'waits for its time',
  stuck: 'is stuck: somebody must look',
  completed: 'has completed',
  failed: 'has failed',
  cancelled: 'was cancelled',
};

function StepsCard({ run, isOver }: { readonly run: RunRef; readonly isOver: boolean }) {
  const { value, problem, stale } = useLive<Steps>(runPath(run, '/steps'));
  return (
    <Card title="Steps" stale={stale && value !== undefined}>
      {problem && !value && <Refused problem={problem} />}
      {value?.rows.length === 0 && (
        <Empty why="No attempt of a step has ended yet; one is shown from then on, with its token." />
      )}
      {value && value.rows.length > 0 && (
        <Waterfall rows={value.rows} started={value.started} now={isOver ? undefined : Date.now()} />
      )}
    </Card>
  );
}

function About({ run, stale }: { readonly run: Shown; readonly stale: boolean }) {
  const { workflow, key, status, reason } = run;
  const { value } = useLive<Steps>(runPath(run, '/steps'));
  const { started, rows = [] } = value ?? {};
  const last = Math.max(...rows.flatMap(({ ended = 0 }) => ended));
  const tokens = new Set(rows.flatMap(({ token }) => token ?? []));
  return (
    <Card title="What is known" stale={stale}>
      <div class="pad">
        <Facts
          of={[
            [
              'State',
              <a key="state" href={href('/workflows/:workflow', { workflow }, { state: status })}>
                <Pill tone={RUN_TONES[status]}>{RUN_LABELS[status].toLowerCase()}</Pill>
              </a>,
            ],
            ['Reason', reason],
            ['Started', started && <Time at={started} />],
            [
              'From its start to the last attempt',
              started && last > started ? duration(last - started) : undefined,
            ],
            ['Tokens', tokens.size === 0 ? undefined : `${tokens.size}: each is higher than the one before`],
            [
              'Key',
              key && (
                <a href={href('/workflows/:workflow', { workflow }, { state: status, q: key })}>
                  <Name of={key} />
                </a>
              ),
            ],
          ]}
        />
      </div>
    </Card>
  );
}

function Forms({ run, status }: { readonly run: RunRef; readonly status: RunState }) {
  const { value } = useLive<Steps>(runPath(run, '/steps'));
  if (!may('workflows:write', run.workflow)) return null;
  return (
    <>
      {!OVER.includes(status) && <MessageForm run={run} />}
      <ForkForm run={run} rows={value?.rows ?? []} />
    </>
  );
}

interface Approval {
  readonly id: string;
  readonly name: string;
  readonly to?: unknown;
  readonly show?: unknown;
}

/** What the run waits for people to answer. */
function Approvals({ run, status }: { readonly run: RunRef; readonly status: RunState }) {
  if (!may('workflows:data', run.workflow) || OVER.includes(status)) return null;
  return <OpenApprovals run={run} />;
}

function OpenApprovals({ run }: { readonly run: RunRef }) {
  const { value } = useLive<{ approvals: readonly Approval[] }>(runPath(run, '/approvals'));
  if (!value || value.approvals.length === 0) return null;
  const answer = (approval: Approval, given: boolean): Promise<boolean> =>
    act({
      method: 'POST',
      path: runPath(run, ':approve'),
      body: { approval: { id: approval.id, name: approval.name }, answer: given },
      ask: {
        title: `${given ? 'Approve' : 'Refuse'} ${shownName(approval.name)}?`,
        text: `The run goes on with "${given}", and is told that it was you.`,
        action: given ? 'Approve' : 'Refuse',
      },
      said: `${shownName(approval.name)} is answered.`,
    });
  return (
    <Card title="Waits for an approval">
      <ul class="findings">
        {value.approvals.map((approval) => (
          <li key={approval.id}>
            <Pill tone="wait">open</Pill>
            <div class="rows">
              <Name of={approval.name} />
              {approval.show !== undefined && (
                <Json of={approval.show} name={`What ${approval.name} is about`} />
              )}
              {may('workflows:approve', run.workflow) && (
                <div class="row">
                  <button type="button" onClick={() => void answer(approval, false)}>
                    Refuse
                  </button>
                  <button type="button" class="first" onClick={() => void answer(approval, true)}>
                    Approve
                  </button>
                </div>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Contents({ run }: { readonly run: Shown }) {
  if (!may('workflows:data', run.workflow)) {
    return (
      <Card title="State and result">
        <p class="pad sub">This key may not see them: it lacks the right workflows:data for this workflow.</p>
      </Card>
    );
  }
  const parts = [
    ['Published state', run.state],
    ['Result', run.result],
  ] as const;
  return (
    <>
      {parts
        .filter(([, value]) => value !== undefined && value !== null)
        .map(([name, value]) => (
          <Card key={name} title={name}>
            <div class="pad">
              <Json of={value} name={name} />
            </div>
          </Card>
        ))}
    </>
  );
}
