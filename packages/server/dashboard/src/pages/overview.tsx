/** The first page: what needs attention, the lock nodes, the last refused write, and the queues by what waits in them. */
import type { Examination, Lock, Recorded } from '@holdfast/client';
import { pathOf } from '../api.js';
import { stripOf } from '../fence.js';
import { counted, number, shownName } from '../format.js';
import { useLive } from '../live.js';
import { Card, Empty, Head, Pill, Refused, Stat } from '../parts/layout.js';
import { FenceStrip } from '../parts/strip.js';
import { Table } from '../parts/table.js';
import { Name, Time } from '../parts/text.js';
import { addCommand, type QueueRow, troubles, useQueues } from '../queues.js';
import { href } from '../router.js';
import { course, rate } from '../series.js';
import { LockName } from './locks.js';
import { DOCTOR, nodesVerdict } from './nodes.js';
import { NO_QUEUES, QUEUE_COLUMNS } from './queues.js';

const MOST = 8;

interface Finding {
  readonly queue: string;
  readonly tone: 'bad' | 'wait';
  readonly what: string;
  readonly state: string;
}

const findingsOf = (rows: readonly QueueRow[]): Finding[] =>
  rows
    .flatMap((row) => troubles(row).map((trouble) => ({ queue: row.name, ...trouble })))
    .sort((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'));

export function OverviewPage() {
  const { rows, stale, problem } = useQueues();
  const findings = rows && findingsOf(rows);
  const bad = findings?.filter(({ tone }) => tone === 'bad').length ?? 0;
  return (
    <>
      <Head name="Overview" verdict={verdict(rows, bad)} />
      {problem && !rows && <Refused problem={problem} />}
      {rows && findings && (
        <>
          <Totals rows={rows} stale={stale} />
          {findings.length > 0 && <Attention findings={findings} />}
          <Coordination />
          <Card title="Queues by what waits" stale={stale} right={<a href="/queues">All {rows.length}</a>}>
            {rows.length === 0 ? (
              <Empty why={NO_QUEUES} command={addCommand('images')} />
            ) : (
              <Table
                name="Queues"
                rows={rows.slice(0, MOST)}
                keyOf={({ name }) => name}
                columns={QUEUE_COLUMNS}
              />
            )}
          </Card>
        </>
      )}
    </>
  );
}

function verdict(rows: readonly QueueRow[] | undefined, bad: number): string {
  if (!rows) return 'Overview';
  if (bad > 0) return `${counted(bad, 'thing')} ${bad === 1 ? 'needs' : 'need'} attention`;
  return rows.length === 0 ? 'Nothing has been done here yet' : 'All is well';
}

function Totals({ rows, stale }: { readonly rows: readonly QueueRow[]; readonly stale: boolean }) {
  const sum = (of: (row: QueueRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const [waiting, active, dead, done] = [
    sum((row) => row.waiting),
    sum((row) => row.active),
    sum((row) => row.dead),
    sum((row) => row.totals.completed),
  ];
  const perSecond = rate(course('all completed', done));
  return (
    <div class={stale ? 'stats stale' : 'stats'}>
      <Stat
        label="Waiting tasks"
        value={number(waiting)}
        to="/queues"
        of={{ name: 'all waiting', value: waiting }}
      />
      <Stat
        label="Tasks being worked on"
        value={number(active)}
        to="/queues"
        of={{ name: 'all active', value: active }}
      />
      <Stat
        label="Completed in all"
        value={number(done)}
        to="/queues"
        note={perSecond === undefined ? 'since the queues exist' : `${perSecond.toFixed(1)}/s now`}
      />
      <Stat
        label="Dead letters"
        value={number(dead)}
        to="/queues"
        note={dead === 0 ? 'none has failed for good' : 'failed for good'}
      />
    </div>
  );
}

/** The lock nodes, and the last write that was refused: nothing where there are none, or the key may not see them. */
function Coordination() {
  const { value: nodes } = useLive<Examination>(DOCTOR);
  const { value: refused } = useLive<{ entries: readonly Recorded[] }>('/v1/refusals?limit=100');
  const [last] = refused?.entries ?? [];
  if (!nodes && !last) return null;
  return (
    <>
      {nodes && (
        <div class="stats">
          <Stat
            label="Lock nodes that vote"
            value={`${nodes.summary.voting} of ${nodes.summary.nodes}`}
            to="/nodes"
            note={nodesVerdict(nodes).replace(/^[^;]*; /, '')}
          />
          <Stat
            label="Stale writes refused"
            value={number(refused?.entries.length ?? 0)}
            to="/locks"
            note={last ? <Time at={last.at} /> : 'none that was recorded'}
          />
        </div>
      )}
      {last && <LastRefusal name={last.resource} />}
    </>
  );
}

function LastRefusal({ name }: { readonly name: string }) {
  const { value: lock } = useLive<Lock>(pathOf('/v1/locks/{name}', { name }));
  const { value } = useLive<{ entries: readonly Recorded[] }>(pathOf('/v1/locks/{name}/history', { name }));
  if (!lock || !value) return null;
  return (
    <Card title="The last refused write" right={<LockName of={name} />}>
      <div class="pad">
        <FenceStrip strip={stripOf(value.entries, lock)} name={shownName(name)} />
      </div>
    </Card>
  );
}

function Attention({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <Card title="Needs attention">
      <ul class="findings">
        {findings.map(({ queue, tone, what, state }) => (
          <li key={`${queue} ${what}`}>
            <Pill tone={tone}>{tone === 'bad' ? 'act' : 'waits'}</Pill>
            <a class="what" href={href('/queues/:queue', { queue }, { state })}>
              <Name of={queue} />: {what}
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}
