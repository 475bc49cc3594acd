/** Rates: no more begin within any span of their time, whenever they may. */
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

/** When each delivery was made, by the server, in ms: tasks that do not end stay among the deliveries that are pending. */
async function deliveries(): Promise<number[]> {
  const stream = (await client().call(
    'XINFO',
    'STREAM',
    '{queue:q}:ready:0',
    'FULL',
    'COUNT',
    '0',
  )) as unknown[];
  const groups = stream[stream.indexOf('groups') + 1] as unknown[][];
  const pending = (groups[0]?.[groups[0].indexOf('pending') + 1] ?? []) as [string, string, number, number][];
  return pending.map(([, , time]) => time).sort((one, two) => one - two);
}

function hold(): { readonly handler: () => Promise<void>; readonly finish: () => void } {
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { handler: () => held, finish };
}

const MAX = 10;
const PER = 300;
/** How much later a busy server may note a delivery than it has decided on it, in ms. */
const NOTED = 20;

function judge(times: readonly number[]): void {
  expect(times).toHaveLength(3 * MAX);
  for (let n = 0; n + MAX < times.length; n += 1)
    expect((times[n + MAX] ?? 0) - (times[n] ?? 0)).toBeGreaterThan(PER - NOTED);
}

it('of a queue', async () => {
  const queue = queueOf<number>({ limits: { rate: { max: MAX, per: PER } } });
  await queue.addMany(Array.from({ length: 3 * MAX }, (_, data) => ({ data })));
  const { handler, finish } = hold();
  const workers = [1, 2].map(() => workerOf({ queue, concurrency: 40, handler }));
  await eventually(() => workers.reduce((sum, { inFlight }) => sum + inFlight, 0), 3 * MAX);
  judge(await deliveries());
  finish();
});

it('of each key, also where tasks were held up', async () => {
  const queue = queueOf<number>({ limits: { keys: { concurrency: 100, rate: { max: MAX, per: PER } } } });
  await Promise.all(Array.from({ length: 3 * MAX }, (_, n) => queue.add(n, { key: 'k' })));
  // They have waited for longer than the time of the rate before a worker comes.
  await eventually(async () => (await queue.counts()).oldest > PER, true);
  const { handler, finish } = hold();
  const worker = workerOf({ queue, concurrency: 40, handler });
  await eventually(() => worker.inFlight, 3 * MAX);
  judge(await deliveries());
  finish();
});

it('goes on after a clock that was set back', async () => {
  const queue = queueOf<number>({ limits: { rate: { max: 1, per: 100 } } });
  await queue.add(0);
  const [seconds] = (await client().time()) as unknown as [number];
  await client().hset('{queue:q}:begun', '', `${(Number(seconds) + 86_400) * 1_000} 1`);
  workerOf({ queue, handler: () => {} });
  await eventually(async () => (await queue.counts()).completed, 1);
});
