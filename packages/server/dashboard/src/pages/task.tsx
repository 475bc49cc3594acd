/** One task: what is known of it, its attempts, and its data. */
import { type Failure, pathOf, type Task } from '../api.js';
import { duration, number, shownName } from '../format.js';
import { useLive } from '../live.js';
import { Card, Facts, Head, Pill, Refused, type Tone } from '../parts/layout.js';
import { Json, Lines, Name, Time } from '../parts/text.js';
import { href } from '../router.js';
import { may } from '../session.js';
import { Actions, LABELS } from './tasks.js';

const TONES: Readonly<Record<Task['state'], Tone>> = {
  waiting: 'wait',
  delayed: 'wait',
  active: 'good',
  dead: 'bad',
  completed: 'over',
  cancelled: 'over',
};

export function TaskPage({ queue, id }: { readonly queue: string; readonly id: string }) {
  const {
    value: task,
    problem,
    stale,
  } = useLive<Task>(pathOf('/v1/queues/{queue}/tasks/{id}', { queue, id }));
  const isGone = problem?.status === 404;
  return (
    <>
      <Head
        name={shownName(id)}
        verdict={
          <>
            <Name of={id} /> {isGone ? 'is not known any more' : task ? VERDICTS[task.state] : ''}
          </>
        }
        crumbs={
          <>
            <a href="/queues">Queues</a> / <a href={href('/queues/:queue', { queue })}>{shownName(queue)}</a>
          </>
        }
      >
        {task && !isGone && <Actions queue={queue} task={task} />}
      </Head>
      {problem && !task && <Refused problem={problem} />}
      {task && (
        <div class="two">
          <div class="rows">
            <About task={task} queue={queue} stale={stale} />
            <Attempts task={task} />
          </div>
          <div class="rows">
            <Contents task={task} queue={queue} />
          </div>
        </div>
      )}
    </>
  );
}

const VERDICTS: Readonly<Record<Task['state'], string>> = {
  waiting: 'waits for a worker',
  active: 'is being worked on',
  delayed: 'waits for its time',
  dead: 'has failed for good',
  completed: 'has completed',
  cancelled: 'was cancelled',
};

const at = (time: number | undefined) => (time === undefined ? undefined : <Time at={time} />);

function About({
  task,
  queue,
  stale,
}: {
  readonly task: Task;
  readonly queue: string;
  readonly stale: boolean;
}) {
  const { state, added, begun, ended, due, key, priority, worker, attempt, failed, reason } = task;
  return (
    <Card title="What is known" stale={stale}>
      <div class="pad">
        <Facts
          of={[
            [
              'State',
              <a key="state" href={href('/queues/:queue', { queue }, { state })}>
                <Pill tone={TONES[state]}>{LABELS[state].toLowerCase()}</Pill>
              </a>,
            ],
            ['Added', at(added)],
            ['Begun', at(begun)],
            ['Ended', at(ended)],
            ['Due in', due === undefined ? undefined : duration(Math.max(0, due))],
            [
              'Key',
              key && (
                <a href={href('/queues/:queue', { queue }, { state, q: key })}>
                  <Name of={key} />
                </a>
              ),
            ],
            ['Priority', priority],
            ['Worker', worker && <Name of={worker} />],
            ['Attempt', attempt],
            ['Failed attempts', failed === undefined ? undefined : number(failed)],
            ['Took', task.duration === undefined ? undefined : duration(task.duration)],
            ['Reason', reason],
            ['Result not kept', task.notKept],
            ['Encoded', task.encoded],
          ]}
        />
      </div>
    </Card>
  );
}

function Attempts({ task: { errors = [] } }: { readonly task: Task }) {
  if (errors.length === 0) return null;
  return (
    <Card title="Failed attempts">
      <ul class="findings">
        {[...errors].reverse().map((error) => (
          <Attempt key={`${error.attempt} ${error.at}`} {...error} />
        ))}
      </ul>
    </Card>
  );
}

function Attempt({ attempt, at: time, worker, message, stack }: Failure) {
  return (
    <li>
      <Pill tone="bad">attempt {attempt}</Pill>
      <div>
        <p class="what">{message}</p>
        <p class="caption">
          <Time at={time} /> by <Name of={worker} />
        </p>
        {stack && (
          <details>
            <summary>Stack</summary>
            <Lines of={stack} name={`Stack of attempt ${attempt}`} />
          </details>
        )}
      </div>
    </li>
  );
}

function Contents({ task, queue }: { readonly task: Task; readonly queue: string }) {
  const { data, result, progress } = task;
  if (!may('queues:data', queue)) {
    return (
      <Card title="Data">
        <p class="pad sub">
          This key may not see data and results: it lacks the right queues:data for this queue.
        </p>
      </Card>
    );
  }
  const parts = [
    ['Data', data],
    ['Progress', progress],
    ['Result', result],
  ] as const;
  return (
    <>
      {parts
        .filter(([, value]) => value !== undefined)
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
