/** What wakes workers that sleep: one for each thing that there is to do, and another where that one cannot do it. */
import type { Task, Worker } from '@holdfast/queue';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, watchCommands, workerOf } from './setting.js';

useRedis();

/** Renewals are not part of what is looked at. */
const lease = 86_400_000;

const BELL = '{queue:q}:bell';

/** Resolves when so many connections wait for the bell. */
const asleep = (count: number): Promise<void> =>
  eventually(async () => {
    const clients = String(await client().call('CLIENT', 'LIST'));
    return clients.split('\n').filter((line) => /flags=b .*cmd=blpop/.test(line)).length;
  }, count);

const forever = (): Promise<void> => new Promise((resolve) => later(() => resolve()));

it.each([1, 10, 40])(
  'an add wakes one of %i workers that sleep, and costs two calls of workers',
  async (count) => {
    const queue = queueOf<number>();
    for (let n = 0; n < count; n += 1) {
      const other = n % 2 === 0 ? queue : queueOf<number>();
      workerOf({ queue: other, lease, concurrency: 1 + (n % 3), handler: ({ data }: Task<number>) => data });
    }
    await asleep(count);
    let calls = 0;
    await watchCommands((line) => {
      if (/"(?:fcall|evalsha)" ".*_(?:work|rouse|renew|close|open)"/i.test(line)) calls += 1;
    });
    const tasks = 20;
    for (let n = 0; n < tasks; n += 1) {
      const { id } = await queue.add(n);
      expect(await queue.wait(id)).toBe(n);
      await asleep(count);
    }
    expect(calls).toBeLessThanOrEqual(2 * tasks);
    expect(calls).toBeGreaterThanOrEqual(tasks);
  },
);

it.each([
  ['plain', false],
  ['with a key each', true],
])('tasks that are added at once wake as many workers as they need: %s', async (_, hasKey) => {
  const queue = queueOf<number>();
  const begun = new Set<number>();
  const ids = Array.from({ length: 12 }, (_, n) => n);
  for (const _ of ids)
    workerOf({
      queue,
      lease,
      handler: async ({ data }: Task<number>) => {
        begun.add(data);
        await forever();
      },
    });
  await asleep(ids.length);
  await queue.addMany(ids.map((data) => ({ data, options: hasKey ? { key: `k${data}` } : {} })));
  await eventually(() => begun.size, ids.length);
});

/** Two workers that sleep; the first has slept longer. */
async function two(queue: ReturnType<typeof queueOf<number>>, how: { lease?: number } = { lease }) {
  const begun: [string, number][] = [];
  const ends: (() => void)[] = [];
  later(() => ends.forEach((end) => void end()));
  const start = (name: string): Worker =>
    workerOf({
      queue,
      name,
      ...how,
      handler: async ({ data }: Task<number>) => {
        begun.push([name, data]);
        if (data < 0) await new Promise<void>((resolve) => ends.push(resolve));
      },
    });
  const first = start('first');
  await asleep(1);
  const second = start('second');
  await asleep(2);
  return { begun, ends, first, second };
}

it('a worker that is paused, or stops, has another woken in its place', async () => {
  const queue = queueOf<number>();
  const { begun, first } = await two(queue);
  first.pause();
  await queue.add(1);
  await eventually(() => begun, [['second', 1]]);
  await first.stop();
  await queue.add(2);
  await eventually(() => begun.length, 2);
});

it('a worker that alone knows when something is due, and has no room then, has another woken', async () => {
  const queue = queueOf<number>();
  const { begun, second } = await two(queue);
  await queue.add(1, { delay: 1_000 }); // the first is told when that is due
  await asleep(2);
  second.pause();
  await queue.add(-1); // the first takes it, and has no room
  await eventually(() => begun, [['first', -1]]);
  second.resume();
  await asleep(1);
  await eventually(
    () => begun,
    [
      ['first', -1],
      ['second', 1],
    ],
  );
});

it('what only a worker knew that is gone is heard of with the next renewal', async () => {
  const queue = queueOf<number>();
  const thief = new Redis(url());
  later(() => thief.disconnect());
  await queue.counts();
  const stolen = thief.blpop(BELL, 20);
  await asleep(1);
  const seen: number[] = [];
  workerOf({ queue, lease: 1_000, handler: ({ data }: Task<number>) => void seen.push(data) });
  await asleep(2);
  await queue.add(1);
  expect(await stolen).toEqual([BELL, '1']);
  await eventually(() => seen, [1]);
});

it('a worker of several queues that only asks for tasks has no other woken in its place', async () => {
  const queues = ['q', 'r', 's'].map((name) => queueOf<number>({ name }));
  let handled = 0;
  let roused = 0;
  const handler = (): void => {
    handled += 1;
  };
  workerOf({ queue: queues, lease, handler });
  await asleep(1);
  await watchCommands((line) => {
    if (/"(?:fcall|evalsha)" ".*_rouse/i.test(line)) roused += 1;
  });
  const [rounds, many] = [4, 5];
  for (let round = 1; round <= rounds; round += 1) {
    await Promise.all(
      queues.map((queue) => queue.addMany(Array.from({ length: many }, (_, data) => ({ data })))),
    );
    await eventually(() => handled, round * many * queues.length);
  }
  // It has room whenever it is woken. Consumers that woke each other, because others asked, did so again and again.
  expect(roused).toBe(0);
});
