/**
 * What those cost who only wait: a thousand workers that ask for tasks of an empty queue, and five hundred viewers of a queue.
 *
 * Guarantees: all of them wait while anything is measured; one that is answered or cut fails the benchmark.
 */
import type { Stand } from '../features/stand.js';
import type { MeasuringProcess } from '../harness/process.js';
import { quantile } from '../harness/statistics.js';
import { Asker } from './asker.js';

export const POLLS = 1_000;
export const VIEWERS = 500;
const POLL_FOR = 30_000;
/** For how long the process is watched while nothing else goes on, in ms. */
const IDLE_FOR = 5_000;

/** Of the process that serves. */
export interface Usage {
  readonly port: number;
  /** 0 if there is none. */
  readonly grpcPort: number;
  /** Bytes. */
  readonly memory: number;
  /** Of the processor, in µs, since it started. */
  readonly cpu: number;
  /** Connections, those to Redis too. */
  readonly sockets: number;
}

const LIVE = `/v1/live?topics=${encodeURIComponent('/v1/queues/watched')}`;

export async function waiting(stand: Stand, process: MeasuringProcess, asker: Asker): Promise<void> {
  const polls = stand.pick(POLLS, 20);
  const viewers = stand.pick(VIEWERS, 10);
  await asker.say('POST', '/v1/queues/watched/tasks', '{"data":1}');
  const alone = await addsOf(stand, asker);
  const { port, memory: before } = await process.ask<Usage>('usage');
  const waiters = new Asker(port, polls + viewers);
  const watching = await Promise.all(Array.from({ length: viewers }, () => waiters.watch(LIVE)));
  let isOver = false;
  const ended = Array.from({ length: polls }, async () => {
    while (!isOver) await waiters.say('POST', '/v1/queues/idle/claims', `{"wait":${POLL_FOR}}`);
  });
  const failure = Promise.all(ended).then(
    () => undefined,
    (error: unknown) => {
      if (!isOver) throw error;
    },
  );
  const measured = async (): Promise<void> => {
    await untilWaiting(process, polls + viewers);
    const from = await process.ask<Usage>('usage');
    await new Promise((resolve) => setTimeout(resolve, stand.pick(IDLE_FOR, 200)));
    const to = await process.ask<Usage>('usage');
    const beside = await addsOf(stand, asker);
    stand.note('waiting', 'holdfast', {
      'waiting: memory of the server before, MiB': before / 2 ** 20,
      'waiting: memory of the server with them, MiB': to.memory / 2 ** 20,
      'waiting: processor while nothing happens, %': (to.cpu - from.cpu) / 10 / stand.pick(IDLE_FOR, 200),
      'waiting: add p50 alone, ms': quantile(alone, 0.5),
      'waiting: add p50 beside them, ms': quantile(beside, 0.5),
      'waiting: add p99 alone, ms': quantile(alone, 0.99),
      'waiting: add p99 beside them, ms': quantile(beside, 0.99),
      [SLOWER]: quantile(beside, 0.5) / quantile(alone, 0.5),
    });
  };
  await Promise.race([measured(), failure.then(() => Promise.reject(new Error('The polls ended.')))]);
  isOver = true;
  for (const stop of watching) stop();
  waiters.close();
  await failure;
}

export const SLOWER = 'waiting: add p50 beside them to alone';

/** One caller, one add after the other. */
async function addsOf(stand: Stand, asker: Asker): Promise<Float64Array> {
  const posting = { path: '/v1/queues/bench/tasks', body: '{"data":1}', most: 1 };
  return (await asker.postAll({ ...posting, requests: stand.pick(2_000, 50) })).times;
}

/** Waits until the server has a connection of each. */
async function untilWaiting(process: MeasuringProcess, count: number): Promise<void> {
  while ((await process.ask<Usage>('usage')).sockets < count)
    await new Promise((resolve) => setTimeout(resolve, 20));
}
