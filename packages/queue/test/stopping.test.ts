/** What a worker says of itself while Redis is away, and that it stops then: nothing to hand back is nothing to wait for. */
import { type Clock, systemClock } from '@holdfast/kernel';
import type { Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, node, queueOf, useRedis, watchCommands, workerOf } from './setting.js';

useRedis();

/** Far more than a test may take. */
const HOURS = 24 * 3_600_000;

const SESSIONS = '{queue:q}:sessions';

const forever = (task: Task<number>): Promise<void> =>
  new Promise((resolve) => task.signal.addEventListener('abort', () => resolve()));

for (const outage of ['is down', 'does not answer'] as const) {
  it(`an idle worker stops without its grace while Redis ${outage}, at whatever it is then`, async () => {
    let timers = 0;
    const clock: Clock = {
      ...systemClock,
      after: (...args) => {
        timers += 1;
        return systemClock.after(...args);
      },
    };
    const queue = queueOf<number>({ callTimeout: 100, clock });
    const start = () => workerOf({ queue, grace: HOURS, onError: () => {}, handler: () => {} });
    const workers = Array.from({ length: 3 }, start);
    for (const worker of workers) await eventually(() => worker.problem, undefined);
    if (outage === 'is down') {
      await node().kill();
      later(() => node().restart());
    } else {
      node().freeze();
      later(() => node().thaw());
    }
    for (const worker of workers) {
      worker.resume(); // asks for tasks
      await eventually(() => worker.problem !== undefined, true);
    }
    // They try again and again to learn what they may have claimed.
    const tried = timers + 20;
    await eventually(() => timers > tried, true);
    await Promise.all(workers.map((worker) => worker.stop()));
  });
}

it('a worker whose tasks are all busy says that Redis is away, and when it is back', async () => {
  const queue = queueOf<number>({ callTimeout: 1_000 });
  await queue.add(1);
  const told: unknown[] = [];
  const begun: Task<number>[] = [];
  const worker = workerOf({
    queue,
    lease: 3_000,
    onError: (error) => void told.push(error),
    handler: async (task: Task<number>) => {
      begun.push(task);
      await new Promise((resolve) => later(() => resolve(undefined)));
    },
  });
  await eventually(() => begun.length, 1);
  await eventually(() => worker.problem, undefined);
  node().freeze();
  later(() => node().thaw());
  await eventually(() => /did not answer|has not answered/.test(worker.problem ?? ''), true);
  expect(told.length).toBeGreaterThan(0);
  node().thaw();
  await eventually(() => worker.problem, undefined);
});

it('a worker that is stopped while it begins leaves no session behind, and says that it has stopped', async () => {
  const queue = queueOf<number>();
  await queue.counts();
  node().freeze();
  later(() => node().thaw());
  const worker = workerOf({ queue, grace: HOURS, onError: () => {}, handler: () => {} });
  // Its beginning is on its way: what is asked after it is answered after it.
  const counted = queue.counts();
  const stopped = worker.stop();
  node().thaw();
  await counted;
  await stopped;
  expect((await queue.counts()).workers).toBe(0);
  expect(worker.problem).toBe('it has stopped');
});

it('a worker whose beginning was not answered begins the same session, and leaves none behind', async () => {
  const queue = queueOf<number>({ callTimeout: 1_000 });
  const first = workerOf({ queue, handler: () => {} });
  await eventually(() => first.problem, undefined);
  await first.stop();
  node().freeze();
  later(() => node().thaw());
  const worker = workerOf({ queue, onError: () => {}, handler: () => {} });
  await eventually(() => /did not answer|has not answered/.test(worker.problem ?? ''), true);
  node().thaw();
  await eventually(() => worker.problem, undefined);
  await eventually(async () => (await queue.counts()).workers, 1);
  await worker.stop();
  expect((await queue.counts()).workers).toBe(0);
});

it('a worker that loses its session while it stops has nothing to wait for, and begins no other', async () => {
  const queue = queueOf<number>();
  await queue.add(1);
  const begun: Task<number>[] = [];
  const worker = workerOf({
    queue,
    lease: 300,
    grace: HOURS,
    onError: () => {},
    handler: async (task: Task<number>) => {
      begun.push(task);
      await forever(task);
    },
  });
  await eventually(() => begun.length, 1);
  const sessions = new Set<string>();
  await watchCommands((line) => {
    const [, command = '', key, , session] = line.split(' "').map((word) => word.replace(/"$/, ''));
    if (command.toUpperCase() === 'ZADD' && key === SESSIONS) sessions.add(session ?? '');
  });
  await eventually(() => sessions.size, 1);
  const stopped = worker.stop();
  await client().del(SESSIONS);
  await stopped;
  await queue.counts();
  expect(sessions.size).toBe(1);
  expect(begun[0]?.signal.aborted).toBe(true);
});
