/** One short episode of the queue with a kill, a pause and a cut ends without a violation; and the judge does find violations. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Queue, TaskInfo } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { deployQuorum } from '../src/deployment/quorum.js';
import { runEpisode } from '../src/episode.js';
import { LEASE, type QueueRecord } from '../src/queue/assignment.js';
import { judgeQueue } from '../src/queue/judge.js';
import { queueSubject } from '../src/queue/subject.js';

it('an episode with a kill, a pause and a cut has deliveries and no violation', async () => {
  const deployed = await deployQuorum({ nodes: 1, clients: 3, clocks: false, persistence: 'synchronous' });
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  try {
    const outcome = await runEpisode({
      ...{
        subject: queueSubject,
        number: 1,
        seed: 7,
        duration: 6_000,
        clients: 3,
        workers: 4,
        deployed,
        folder,
      },
      schedule: [
        { from: 500, until: 1_000, fault: { kind: 'kill-node', node: 0, empty: false } },
        { from: 800, until: 800 + 2 * LEASE, fault: { kind: 'freeze-client', client: 1 } },
        { from: 1_500, until: 3_000, fault: { kind: 'link', how: 'dropped', client: 0, node: 0 } },
        { from: 2_000, until: 2_200, fault: { kind: 'kill-client', client: 2 } },
        { from: 3_500, until: 3_600, fault: { kind: 'link', how: 'cut', client: 0, node: 0 } },
      ],
    });
    expect(outcome.violations).toEqual([]);
    const added = outcome.counts.get('tasks added') ?? 0;
    expect(added).toBeGreaterThan(20);
    expect(outcome.counts.get('deliveries')).toBeGreaterThanOrEqual(added);
    expect(outcome.counts.get('tasks lost')).toBe(0);
    expect([...outcome.injected.values()].reduce((sum, one) => sum + one, 0)).toBe(5);
  } finally {
    await deployed.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

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
