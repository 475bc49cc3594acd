/** The judge of the queue finds violations in what was recorded, and none where all is well. */
import type { Queue, TaskInfo } from '@holdfast/queue';
import { expect, it } from 'vitest';
import type { QueueRecord } from '../src/queue/assignment.js';
import { judgeQueue } from '../src/queue/judge.js';

/** What happened to the tasks "a" and "b" of one key, each handled once. */
const GOOD: readonly QueueRecord[] = [
  { at: 1, process: 'p', e: 'added', id: 'a', key: 'k' },
  { at: 2, process: 'p', e: 'added', id: 'b', key: 'k' },
  { at: 3, process: 'p', e: 'begins', id: 'a', token: 10, attempt: 1 },
  { at: 5, process: 'p', e: 'ends', id: 'a', token: 10, valid: true, done: true },
  { at: 6, process: 'q', e: 'begins', id: 'b', token: 11, attempt: 1 },
  { at: 8, process: 'q', e: 'ends', id: 'b', token: 11, valid: true, done: true },
];

async function rulesFor(
  records: readonly QueueRecord[],
  { a = 10 as unknown, effects = 1 }: { a?: unknown; effects?: number } = {},
): Promise<string[]> {
  const states: Record<string, unknown> = { a, b: 11 };
  const get = async (id: string): Promise<TaskInfo | undefined> =>
    states[id] === undefined ? undefined : { id, state: 'completed', data: undefined, result: states[id] };
  const queue = { name: 'q', get } as unknown as Queue;
  const { violations } = await judgeQueue(records, { queue, effectsOf: async () => effects, durable: true });
  return violations.map(({ rule }) => rule);
}

it('the judge finds nothing wrong where nothing is, and each promise that is broken', async () => {
  expect(await rulesFor(GOOD)).toEqual([]);
  expect(await rulesFor(GOOD, { effects: 2 })).toEqual(['effects', 'effects']);
  expect(await rulesFor(GOOD, { a: 9 })).toEqual(['stale completion']);
  expect(await rulesFor([{ at: 0, process: 'p', e: 'added', id: 'c', key: undefined }, ...GOOD])).toEqual([
    'lost task',
  ]);
  const early: QueueRecord = { at: 4, process: 'q', e: 'begins', id: 'b', token: 11, attempt: 1 };
  expect(await rulesFor(GOOD.with(4, early))).toEqual(['order of a key']);
  const twice: QueueRecord = { at: 4, process: 'q', e: 'begins', id: 'a', token: 12, attempt: 2 };
  expect(await rulesFor([...GOOD, twice], { a: 12 })).toEqual(['mutual exclusion']);
});
