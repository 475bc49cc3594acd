/** One queue: its numbers, and the tasks of one state, which can be searched. */

import type { Counts } from '@holdfast/client';
import { useState } from 'preact/hooks';
import { pathOf, STATES, type State, type Task } from '../api.js';
import { counted, duration, number } from '../format.js';
import { useLive } from '../live.js';
import { act, say } from '../parts/dialogs.js';
import { Card, Empty, Facts, Head, Refused, Stat } from '../parts/layout.js';
import { Table } from '../parts/table.js';
import { Name } from '../parts/text.js';
import { addCommand, troubles } from '../queues.js';
import { go, href, query, withQuery } from '../router.js';
import { course, rate } from '../series.js';
import { may } from '../session.js';
import { columnsOf, LABELS, lastError } from './tasks.js';

const PAGE = 50;

export function QueuePage({ queue }: { readonly queue: string }) {
  const { value: counts, problem, stale } = useLive<Counts>(pathOf('/v1/queues/{queue}', { queue }));
  return (
    <>
      <Head
        name={queue}
        verdict={
          <>
            <Name of={queue} /> {counts ? verdict(counts) : ''}
          </>
        }
        crumbs={<a href="/queues">Queues</a>}
      >
        {counts && may('queues:admin', queue) && <PauseButton queue={queue} isPaused={counts.paused} />}
      </Head>
      {problem && !counts && <Refused problem={problem} />}
      {counts && (
        <>
          <Numbers queue={queue} counts={counts} stale={stale} />
          <Tasks queue={queue} counts={counts} />
          {may('queues:write', queue) && <AddTask queue={queue} />}
        </>
      )}
    </>
  );
}

function verdict(counts: Counts): string {
  const found = troubles(counts);
  if (found.length > 0) return `needs attention: ${found.map(({ what }) => what).join(', ')}`;
  return counts.waiting + counts.active === 0 ? 'has nothing to do' : 'is being worked on';
}

function PauseButton({ queue, isPaused }: { readonly queue: string; readonly isPaused: boolean }) {
  const verb = isPaused ? 'resume' : 'pause';
  const said = isPaused
    ? 'Workers begin tasks again.'
    : 'Workers begin no more tasks; those that have begun go on.';
  return (
    <button
      type="button"
      onClick={() =>
        void act({ method: 'POST', path: `${pathOf('/v1/queues/{queue}', { queue })}:${verb}`, said })
      }
    >
      {isPaused ? 'Resume' : 'Pause'}
    </button>
  );
}

function Numbers({
  queue,
  counts,
  stale,
}: {
  readonly queue: string;
  readonly counts: Counts;
  readonly stale: boolean;
}) {
  const { waiting, active, oldest, workers, totals } = counts;
  const done = course(`queue ${queue} completed`, totals.completed);
  const failed = course(`queue ${queue} failed`, totals.failed);
  const to = (state: State): string => href('/queues/:queue', { queue }, { state });
  const perSecond = (points: typeof done): string | undefined => {
    const value = rate(points);
    return value === undefined ? undefined : `${value.toFixed(value < 10 ? 1 : 0)}/s now`;
  };
  return (
    <div class={stale ? 'stats stale' : 'stats'}>
      <Stat
        label="Waiting"
        value={number(waiting)}
        to={to('waiting')}
        note={waiting > 0 ? `the next for ${duration(oldest)}` : 'nothing waits'}
        of={{ name: `queue ${queue} waiting`, value: waiting }}
      />
      <Stat
        label="Active"
        value={number(active)}
        to={to('active')}
        note={counted(workers, 'worker')}
        of={{ name: `queue ${queue} active`, value: active }}
      />
      <Stat
        label="Dead letters"
        value={number(counts.dead)}
        to={to('dead')}
        note={perSecond(failed) ?? 'failed for good'}
      />
      <Stat
        label="Completed in all"
        value={number(totals.completed)}
        to={to('completed')}
        note={perSecond(done) ?? `${number(totals.retried)} retried`}
      />
    </div>
  );
}

function Tasks({ queue, counts }: { readonly queue: string; readonly counts: Counts }) {
  const asked = query.value.get('state') as State | null;
  const state = asked && STATES.includes(asked) ? asked : 'waiting';
  const cursor = query.value.get('cursor') ?? undefined;
  const words = (query.value.get('q') ?? '').toLowerCase();
  const { value, problem, stale } = useLive<{ tasks: readonly Task[]; next?: string }>(
    pathOf('/v1/queues/{queue}/tasks', { queue }, { state, limit: String(PAGE), cursor }),
  );
  const rows = value?.tasks ?? [];
  const listed = rows.filter((task) => words === '' || textOf(task).includes(words));
  return (
    <Card
      title={`${LABELS[state]} tasks`}
      stale={stale && value !== undefined}
      right={<Search found={listed.length} of={counts[state]} />}
    >
      <nav class="tabs pad" aria-label="States">
        {STATES.map((one) => (
          <a
            key={one}
            href={withQuery({ state: one, cursor: undefined, q: undefined })}
            {...(one === state && { 'aria-current': 'true' })}
          >
            {LABELS[one]} {number(counts[one])}
          </a>
        ))}
      </nav>
      {state === 'dead' && <Groups of={rows} />}
      {problem && !value && <Refused problem={problem} />}
      {value && listed.length === 0 && (
        <Nothing queue={queue} state={state} isFiltered={rows.length > 0} counts={counts} />
      )}
      {listed.length > 0 && (
        <Table
          name={`${LABELS[state]} tasks`}
          rows={listed}
          keyOf={({ id }) => id}
          columns={columnsOf(queue, state)}
        />
      )}
      <div class="pad row">
        {cursor !== undefined && <a href={withQuery({ cursor: undefined })}>First page</a>}
        {value?.next !== undefined && <a href={withQuery({ cursor: value.next })}>Next {PAGE}</a>}
        <AllButtons queue={queue} state={state} counts={counts} />
      </div>
    </Card>
  );
}

const textOf = (task: Task): string =>
  [task.id, task.key, lastError(task), task.reason, task.worker, JSON.stringify(task.data)]
    .join(' ')
    .toLowerCase();

function Search({ found, of }: { readonly found: number; readonly of: number }) {
  return (
    <>
      <span class="caption">
        {number(found)} of {number(of)}
      </span>
      <input
        type="search"
        aria-label="Text in the tasks of this page"
        placeholder="Id, key, error or data"
        value={query.value.get('q') ?? ''}
        onInput={({ currentTarget: { value } }) => go(withQuery({ q: value }), { replaces: true })}
      />
    </>
  );
}

/** Dead letters by what their last error says. */
function Groups({ of: tasks }: { readonly of: readonly Task[] }) {
  const groups = new Map<string, number>();
  for (const task of tasks) {
    const error = lastError(task) ?? 'no error is known';
    groups.set(error, (groups.get(error) ?? 0) + 1);
  }
  if (groups.size < 2) return null;
  const sorted = [...groups].sort((a, b) => b[1] - a[1]).slice(0, 8);
  return (
    <div class="pad">
      <Facts
        of={sorted.map(([error, count]) => [
          counted(count, 'letter'),
          <a key={error} href={withQuery({ q: error })}>
            {error}
          </a>,
        ])}
      />
    </div>
  );
}

function Nothing(props: {
  readonly queue: string;
  readonly state: State;
  readonly isFiltered: boolean;
  readonly counts: Counts;
}) {
  const { queue, state, isFiltered, counts } = props;
  if (isFiltered) return <Empty why="No task of this page has these letters." />;
  if (state === 'waiting') {
    return <Empty why="No task waits: all have begun or ended." command={addCommand(queue)} />;
  }
  if (state === 'active') {
    const why =
      counts.workers === 0
        ? 'No task is being worked on, because the queue has no worker: start a process that calls createWorker for this queue.'
        : `No task is being worked on: ${counted(counts.workers, 'worker')} ${counts.workers === 1 ? 'waits' : 'wait'} for one.`;
    return <Empty why={why} />;
  }
  return <Empty why={WHY_NONE[state]} />;
}

const WHY_NONE: Readonly<Record<Exclude<State, 'waiting' | 'active'>, string>> = {
  delayed: 'No task waits for a time: none was added with a delay, and none waits for its next attempt.',
  dead: 'No task has failed for good.',
  completed:
    'No results are kept: tasks have not completed yet, or were added so that their results are not kept.',
  cancelled: 'No task was cancelled, or it was so long ago that the reasons are kept no more.',
};

const REMOVED: readonly State[] = ['waiting', 'delayed', 'dead'];

/** What can be done with all tasks of a state. */
function AllButtons({
  queue,
  state,
  counts,
}: {
  readonly queue: string;
  readonly state: State;
  readonly counts: Counts;
}) {
  const count = counts[state];
  if (!may('queues:admin', queue) || count === 0 || !REMOVED.includes(state)) return null;
  const base = pathOf('/v1/queues/{queue}', { queue });
  const noun = state === 'dead' ? counted(count, 'dead letter') : counted(count, `${state} task`);
  const requeue = (): Promise<boolean> =>
    act({
      method: 'POST',
      path: `${base}:requeue`,
      body: {},
      said: (answer) => `${counted((answer as { requeued: number }).requeued, 'task')} will be tried again.`,
    });
  const purge = (): Promise<boolean> =>
    act({
      method: 'POST',
      path: `${base}:purge`,
      body: { state },
      ask: {
        title: `Remove ${noun}?`,
        text: `They are removed from ${queue}, with their data, and nobody gets them any more. This cannot be undone.`,
        action: `Remove ${noun}`,
      },
      said: (answer) => `${counted((answer as { removed: number }).removed, 'task')} removed.`,
    });
  return (
    <>
      {state === 'dead' && (
        <button type="button" onClick={() => void requeue()}>
          Retry {counted(Math.min(count, 1_000), 'dead letter')}
        </button>
      )}
      <button type="button" class="danger" onClick={() => void purge()}>
        Remove {noun}
      </button>
    </>
  );
}

function AddTask({ queue }: { readonly queue: string }) {
  const [text, setText] = useState('{}');
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch (error) {
      say(`The data is no JSON: ${(error as Error).message}.`, true);
      return;
    }
    const path = pathOf('/v1/queues/{queue}/tasks', { queue });
    await act({ method: 'POST', path, body: { data }, said: (answer) => `Added as ${(answer as Task).id}.` });
  };
  return (
    <Card title="Add a task">
      <form class="pad fields" onSubmit={(event) => void add(event)}>
        <label>
          Its data, as JSON
          <textarea rows={3} value={text} onInput={({ currentTarget: { value } }) => setText(value)} />
        </label>
        <div>
          <button type="submit" class="first">
            Add
          </button>
        </div>
      </form>
    </Card>
  );
}
