/** All queues, those with most waiting tasks first. */
import type { Counts } from '@holdfast/client';
import type { State } from '../api.js';
import { counted, duration, number } from '../format.js';
import { Card, Empty, Head, Pill, Refused } from '../parts/layout.js';
import { type Column, Table } from '../parts/table.js';
import { Name } from '../parts/text.js';
import { addCommand, type QueueRow, troubles, useQueues } from '../queues.js';
import { go, href, query, withQuery } from '../router.js';

const count = (title: string, state: State): Column<QueueRow> => ({
  title,
  isNumber: true,
  show: (row) => <a href={href('/queues/:queue', { queue: row.name }, { state })}>{number(row[state])}</a>,
});

export const QUEUE_COLUMNS: readonly Column<QueueRow>[] = [
  {
    title: 'Queue',
    show: ({ name }) => (
      <a href={href('/queues/:queue', { queue: name })}>
        <Name of={name} />
      </a>
    ),
  },
  { title: 'State', show: (row) => <Condition {...row} /> },
  count('Waiting', 'waiting'),
  count('Active', 'active'),
  count('Delayed', 'delayed'),
  count('Dead', 'dead'),
  {
    title: 'Oldest',
    isNumber: true,
    show: ({ waiting, oldest }) => (waiting > 0 ? duration(oldest) : '–'),
  },
  { title: 'Workers', isNumber: true, show: ({ workers }) => number(workers) },
  {
    title: 'Completed in all',
    isNumber: true,
    show: ({ name, totals }) => (
      <a href={href('/queues/:queue', { queue: name }, { state: 'completed' })}>{number(totals.completed)}</a>
    ),
  },
];

function Condition(counts: Counts) {
  const [worst] = troubles(counts);
  if (worst) return <Pill tone={worst.tone}>{worst.what}</Pill>;
  return counts.active > 0 ? <Pill tone="good">at work</Pill> : <Pill tone="over">idle</Pill>;
}

export const NO_QUEUES =
  'There is no queue yet, or none that this key may read. A queue exists from its first task on.';

export function QueuesPage() {
  const { rows, stale, problem } = useQueues();
  const words = query.value.get('q') ?? '';
  const listed = rows?.filter(({ name }) => name.toLowerCase().includes(words.toLowerCase()));
  return (
    <>
      <Head name="Queues" verdict={verdict(rows)} sub="Tasks that workers take, each under a token." />
      {problem && !rows && <Refused problem={problem} />}
      {rows && (
        <Card
          title="Queues"
          stale={stale}
          right={
            <>
              <span class="caption">
                {listed?.length} of {counted(rows.length, 'queue')}
              </span>
              <input
                type="search"
                aria-label="Part of the name of a queue"
                placeholder="Part of a name"
                value={words}
                onInput={({ currentTarget: { value } }) => go(withQuery({ q: value }), { replaces: true })}
              />
            </>
          }
        >
          {rows.length === 0 && <Empty why={NO_QUEUES} command={addCommand('images')} />}
          {rows.length > 0 && listed?.length === 0 && <Empty why="No queue has these letters in its name." />}
          {listed && listed.length > 0 && (
            <Table name="Queues" rows={listed} keyOf={({ name }) => name} columns={QUEUE_COLUMNS} />
          )}
        </Card>
      )}
    </>
  );
}

function verdict(rows: readonly QueueRow[] | undefined): string {
  if (!rows) return 'Queues';
  if (rows.length === 0) return 'There is no queue yet';
  const bad = rows.filter((row) => troubles(row).some(({ tone }) => tone === 'bad')).length;
  const waiting = rows.reduce((sum, row) => sum + row.waiting, 0);
  const all = `${counted(rows.length, 'queue')}, ${counted(waiting, 'waiting task')}`;
  return bad === 0
    ? `${all}; nothing needs attention`
    : `${all}; ${bad === 1 ? '1 needs' : `${bad} need`} attention`;
}
