/** What several pages show of queues. */
import type { Counts } from '@holdfast/client';
import { type Problem, pathOf } from './api.js';
import { counted, duration, shellWord } from './format.js';
import { useLive } from './live.js';

export interface QueueRow extends Counts {
  readonly name: string;
}

export interface Queues {
  /** Undefined while they are not known. Those with most waiting tasks come first. */
  readonly rows: readonly QueueRow[] | undefined;
  readonly stale: boolean;
  readonly problem: Problem | undefined;
}

/** The queues that the session may see. */
export function useQueues(): Queues {
  const { value, stale, problem } = useLive<{ counts: Readonly<Record<string, Counts>> }>(
    '/v1/queues?counts=true',
  );
  const rows = value && Object.entries(value.counts).map(([name, counts]) => ({ name, ...counts }));
  rows?.sort((a, b) => b.waiting - a.waiting || (a.name < b.name ? -1 : 1));
  return { rows, stale, problem };
}

/** How long a task that could begin may wait until somebody should look, in ms. */
const LONG = 5 * 60_000;

/** What is wrong with a queue, the worst first; empty if nothing is. */
export function troubles({ waiting, active, workers, oldest, paused, dead }: Counts): Trouble[] {
  const found: Trouble[] = [];
  if (waiting > 0 && workers === 0 && !paused) {
    found.push({
      tone: 'bad',
      what: `${counted(waiting, 'task')} ${waiting === 1 ? 'waits' : 'wait'}, and there is no worker`,
      state: 'waiting',
    });
  } else if (oldest > LONG && active === 0 && !paused) {
    found.push({ tone: 'bad', what: `the next task has waited for ${duration(oldest)}`, state: 'waiting' });
  }
  if (dead > 0) found.push({ tone: 'bad', what: counted(dead, 'dead letter'), state: 'dead' });
  if (paused) found.push({ tone: 'wait', what: 'it is paused', state: 'waiting' });
  return found;
}

export interface Trouble {
  readonly tone: 'bad' | 'wait';
  readonly what: string;
  /** The state whose tasks it is about. */
  readonly state: string;
}

/** The command by which a task is added. */
export const addCommand = (queue: string): string =>
  `curl -H 'Content-Type: application/json' -d '{"data":{"url":"https://example.org/cat.png"}}' ${shellWord(`${location.origin}${pathOf('/v1/queues/{queue}/tasks', { queue })}`)}`;
