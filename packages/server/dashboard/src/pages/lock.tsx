/** One resource: who holds it, what each node says, and its strip: its leases over time, with the writes that were refused. */
import type { Lock, Recorded } from '@holdfast/client';
import { pathOf } from '../api.js';
import { stripOf } from '../fence.js';
import { counted, duration, number, shownName } from '../format.js';
import { useLive } from '../live.js';
import { Copy } from '../parts/copy.js';
import { act } from '../parts/dialogs.js';
import { Card, Empty, Facts, Head, Pill, Refused, type Tone } from '../parts/layout.js';
import { FenceStrip } from '../parts/strip.js';
import { type Column, Table } from '../parts/table.js';
import { Name, Token } from '../parts/text.js';
import { may } from '../session.js';
import { RefusalTable, takeCommand, WHO_RECORDS } from './locks.js';

/** What a node says; of a caller who may see that, all of it. */
interface NodeView {
  readonly node: string;
  readonly state: string;
  readonly reason?: string;
  readonly owner?: string;
  readonly token?: number;
  readonly remaining?: number;
  readonly fence?: number;
}

export function LockPage({ name }: { readonly name: string }) {
  const { value: lock, problem, stale } = useLive<Lock>(pathOf('/v1/locks/{name}', { name }));
  return (
    <>
      <Head
        name={shownName(name)}
        verdict={
          <>
            <Name of={name} /> {lock ? verdict(lock) : ''}
          </>
        }
        crumbs={<a href="/locks">Locks</a>}
      >
        {lock?.owner !== undefined && may('locks:admin', name) && <BreakButton name={name} lock={lock} />}
      </Head>
      {problem && !lock && <Refused problem={problem} />}
      {lock && (
        <>
          <History name={name} lock={lock} />
          <div class="two">
            <About lock={lock} stale={stale} />
            <Nodes lock={lock} stale={stale} />
          </div>
        </>
      )}
    </>
  );
}

function verdict({ held, certain, readers, remaining = 0 }: Lock): string {
  if (!certain) return 'may be held: too few nodes answer to tell';
  if (!held) return 'is held by nobody';
  const left = duration(Math.max(0, remaining));
  return readers === undefined
    ? `is held for another ${left}`
    : `is shared by ${counted(readers.length, 'reader')} for another ${left}`;
}

function BreakButton({ name, lock }: { readonly name: string; readonly lock: Lock }) {
  const end = (): Promise<boolean> =>
    act({
      method: 'DELETE',
      path: pathOf('/v1/locks/{name}/holder', { name }),
      ask: {
        title: `End the lease on ${shownName(name)}?`,
        text: `${shownName(lock.owner ?? 'Its holder')} learns of it when it extends its lease next, and cannot resume it. What it still writes is refused where its token is checked. The next in line is granted the lease.`,
        action: 'End 1 lease',
      },
      said: `The lease on ${shownName(name)} is over.`,
    });
  return (
    <button type="button" class="danger" onClick={() => void end()}>
      End the lease
    </button>
  );
}

function History({ name, lock }: { readonly name: string; readonly lock: Lock }) {
  const path = pathOf('/v1/locks/{name}/history', { name });
  const { value, problem } = useLive<{ entries: readonly Recorded[] }>(path);
  const entries = value?.entries ?? [];
  const strip = stripOf(entries, lock);
  const refused = entries.filter(({ kind }) => kind === 'refused');
  return (
    <>
      <Card title="Holders and their tokens" right={<span class="caption">violet: a refused write</span>}>
        <div class="pad">
          {strip.lanes.length > 0 ? (
            <FenceStrip strip={strip} name={shownName(name)} />
          ) : (
            <Empty
              why="Nobody has held it while this page was open, and nothing of it was recorded."
              command={takeCommand(name)}
            />
          )}
        </div>
        {problem && !value && <Refused problem={problem} />}
      </Card>
      <Card title="Refused writes">
        {refused.length === 0 ? (
          <Empty why={`No stale write to it has been refused, or none that was recorded. ${WHO_RECORDS}`} />
        ) : (
          <RefusalTable rows={refused} />
        )}
      </Card>
    </>
  );
}

function About({ lock, stale }: { readonly lock: Lock; readonly stale: boolean }) {
  const { held, certain, token, owner, readers, remaining, fence, waiting } = lock;
  return (
    <Card title="What is known" stale={stale}>
      <div class="pad">
        <Facts
          of={[
            [
              'State',
              <Pill key="state" tone={certain ? (held ? 'good' : 'over') : 'wait'}>
                {certain ? (held ? 'held' : 'free') : 'not certain'}
              </Pill>,
            ],
            ['Holder', owner && <Name of={owner} />],
            [
              'Readers',
              readers?.map((reader) => (
                <div key={reader}>
                  <Name of={reader} />
                </div>
              )),
            ],
            [
              'Token',
              token === undefined ? undefined : (
                <span key="token">
                  <span class="mono">{token}</span> <Copy text={String(token)} what="token" />
                </span>
              ),
            ],
            ['Time left', remaining === undefined ? undefined : duration(Math.max(0, remaining))],
            ['Highest token', fence === undefined ? undefined : <span class="mono">{fence}</span>],
            ['Waiting', counted(waiting, 'process', 'processes')],
          ]}
        />
      </div>
    </Card>
  );
}

const TONES: Readonly<Record<string, Tone>> = {
  voting: 'good',
  quarantined: 'wait',
  unadmitted: 'wait',
  misfit: 'bad',
  unreachable: 'bad',
};

const COLUMNS: readonly Column<NodeView>[] = [
  {
    title: 'Node',
    show: ({ node }) => (
      <a href="/nodes">
        <Name of={node} />
      </a>
    ),
  },
  {
    title: 'State',
    show: ({ state, reason }) => (
      <span title={reason}>
        <Pill tone={TONES[state] ?? 'over'}>{state}</Pill>
      </span>
    ),
  },
  { title: 'Token', show: ({ token }) => (token === undefined ? '–' : <Token of={token} />) },
  {
    title: 'Time left',
    isNumber: true,
    show: ({ remaining }) => (remaining === undefined ? '–' : `${number(Math.max(0, remaining))} ms`),
  },
  { title: 'Highest token', show: ({ fence }) => (fence === undefined ? '–' : <Token of={fence} />) },
];

function Nodes({ lock, stale }: { readonly lock: Lock; readonly stale: boolean }) {
  return (
    <Card title="What each node says" stale={stale}>
      <Table
        name="What each node says"
        rows={lock.nodes as readonly NodeView[]}
        keyOf={({ node }) => node}
        columns={COLUMNS}
      />
    </Card>
  );
}
