/** How tasks are listed, and what can be done with one. */
import { pathOf, type State, type Task } from '../api.js';
import { duration, number, shownName } from '../format.js';
import { act } from '../parts/dialogs.js';
import type { Column } from '../parts/table.js';
import { Name, Time } from '../parts/text.js';
import { href } from '../router.js';
import { may } from '../session.js';

export const LABELS: Readonly<Record<State, string>> = {
  waiting: 'Waiting',
  active: 'Active',
  delayed: 'Delayed',
  dead: 'Dead',
  completed: 'Completed',
  cancelled: 'Cancelled',
};

export const lastError = ({ errors }: Task): string | undefined => errors?.at(-1)?.message;

const when = (title: string, of: (task: Task) => number | undefined): Column<Task> => ({
  title,
  show: (task) => {
    const at = of(task);
    return at === undefined ? '–' : <Time at={at} />;
  },
});

const text = (title: string, of: (task: Task) => string | undefined): Column<Task> => ({
  title,
  show: (task) => {
    const value = of(task) ?? '';
    return (
      <div class="cut" title={value}>
        {shownName(value)}
      </div>
    );
  },
});

const ERROR = text('Last error', lastError);
const DATA = text('Data', ({ data }) =>
  data === undefined ? undefined : JSON.stringify(data)?.slice(0, 200),
);
const WORKER = text('Worker', ({ worker }) => worker);
const FAILED: Column<Task> = {
  title: 'Failed attempts',
  isNumber: true,
  show: ({ failed }) => number(failed ?? 0),
};

const OF_STATE: Readonly<Record<State, readonly Column<Task>[]>> = {
  waiting: [when('Added', ({ added }) => added), text('Key', ({ key }) => key), DATA, FAILED],
  active: [when('Begun', ({ begun }) => begun), WORKER, DATA, FAILED],
  delayed: [
    {
      title: 'Due in',
      isNumber: true,
      show: ({ due }) => (due === undefined ? '–' : duration(Math.max(0, due))),
    },
    ERROR,
    DATA,
    FAILED,
  ],
  dead: [when('Last failed', ({ errors }) => errors?.at(-1)?.at), ERROR, FAILED],
  completed: [
    when('Ended', ({ ended }) => ended),
    {
      title: 'Took',
      isNumber: true,
      show: ({ duration: took }) => (took === undefined ? '–' : duration(took)),
    },
    WORKER,
    text('Result', ({ result }) =>
      result === undefined ? undefined : JSON.stringify(result)?.slice(0, 200),
    ),
  ],
  cancelled: [when('Ended', ({ ended }) => ended), text('Reason', ({ reason }) => reason)],
};

export function columnsOf(queue: string, state: State): readonly Column<Task>[] {
  return [
    {
      title: 'Task',
      show: ({ id }) => (
        <a href={href('/queues/:queue/tasks/:id', { queue, id })}>
          <Name of={id} />
        </a>
      ),
    },
    ...OF_STATE[state],
    {
      title: 'Actions',
      isUntitled: true,
      isNumber: true,
      show: (task) => <Actions queue={queue} task={task} />,
    },
  ];
}

/** The buttons of a task: those that its state and the rights allow. */
export function Actions({ queue, task: { id, state } }: { readonly queue: string; readonly task: Task }) {
  const path = pathOf('/v1/queues/{queue}/tasks/{id}', { queue, id });
  const verb = (name: string): string => path.replace(/(\?|$)/, `:${name}$1`);
  const named = shownName(id);
  const mayWrite = may('queues:write', queue);
  const retry = (): Promise<boolean> =>
    act({
      method: 'POST',
      path: verb('requeue'),
      said: `${named} will be tried again, from its first attempt.`,
    });
  const cancel = (): Promise<boolean> =>
    act({
      method: 'POST',
      path: verb('cancel'),
      body: { reason: 'cancelled in the dashboard' },
      ask: {
        title: `Cancel ${named}?`,
        text:
          state === 'active'
            ? 'Its worker is told, and what it does from now on is refused. Whoever waits for the task is told, too.'
            : 'It will not begin. Whoever waits for the task is told.',
        action: 'Cancel the task',
      },
      said: `${named} is cancelled.`,
    });
  const remove = (): Promise<boolean> =>
    act({
      method: 'DELETE',
      path,
      ask: {
        title: `Remove ${named}?`,
        text: 'The task and its data are removed. This cannot be undone.',
        action: 'Remove 1 task',
      },
      said: `${named} is removed.`,
    });
  return (
    <span class="row">
      {state === 'dead' && mayWrite && (
        <button type="button" class="small" aria-label={`Retry ${named}`} onClick={() => void retry()}>
          Retry
        </button>
      )}
      {['waiting', 'active', 'delayed'].includes(state) && mayWrite && (
        <button
          type="button"
          class="small danger"
          aria-label={`Cancel ${named}`}
          onClick={() => void cancel()}
        >
          Cancel
        </button>
      )}
      {['waiting', 'delayed', 'dead'].includes(state) && may('queues:admin', queue) && (
        <button
          type="button"
          class="small danger"
          aria-label={`Remove ${named}`}
          onClick={() => void remove()}
        >
          Remove
        </button>
      )}
    </span>
  );
}
