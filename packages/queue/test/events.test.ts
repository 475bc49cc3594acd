/** Events: in order over all streams, resumed at any of them, over one connection; and the totals that only grow. */
import { metricsText, type Queue, type QueueEvent } from '@holdfast/queue';
import { expect, it } from 'vitest';
import {
  client,
  eventually,
  later,
  queueOf,
  startChild,
  useRedis,
  watchCommands,
  workerOf,
} from './setting.js';

useRedis();

/** Reads events until the test ends. */
function watch(queue: Queue<number, number>, after?: string): QueueEvent[] {
  const seen: QueueEvent[] = [];
  const ended = new AbortController();
  const reading = (async () => {
    const options = { signal: ended.signal, ...(after !== undefined && { after }) };
    for await (const event of queue.events(options)) seen.push(event);
  })();
  later(() => {
    ended.abort();
    return reading;
  });
  return seen;
}

const retried = { attempts: 2, backoff: { type: 'constant', delay: 0 } } as const;

/** Every second task fails once; progress of each. */
const work = (queue: Queue<number, number>, concurrency = 3) =>
  workerOf({
    queue,
    concurrency,
    handler: async (task) => {
      await task.progress(task.data);
      if (task.data % 2 === 1 && task.attempt === 1) throw new Error('odd');
      return task.data;
    },
  });

const compare = (one: string, two: string): number => {
  const [ms = 0n, number = 0n] = one.split(/[:-]/).slice(1).map(BigInt);
  const [otherMs = 0n, otherNumber = 0n] = two.split(/[:-]/).slice(1).map(BigInt);
  return Number(ms - otherMs || number - otherNumber);
};

it('cursors rise over all events, and reading goes on after any of them without a gap', async () => {
  const queue = queueOf<number>(retried);
  await queue.announce(['added', 'begun']);
  const all = watch(queue);
  const probe = await queue.add(0);
  work(queue);
  await expect.poll(() => all.some(({ kind }) => kind === 'completed')).toBe(true);
  for (let n = 1; n <= 20; n += 1) await queue.add(n);
  await queue.add(21, { id: 'own', key: 'k' });
  // added, begun, progress and completed of each; begun, progress and retried of each odd one
  const total = 22 * 4 + 11 * 3;
  await eventually(() => all.length, total);
  const cursors = all.map(({ cursor }) => cursor);
  expect(cursors.every((cursor) => /^0:\d+-\d+$/.test(cursor))).toBe(true);
  for (const [place, cursor] of cursors.slice(1).entries())
    expect(compare(cursors[place] ?? '', cursor)).toBeLessThan(0);
  expect(all[0]).toMatchObject({ kind: 'added', id: probe.id });
  expect(Math.abs((all[0]?.at ?? 0) - Date.now())).toBeLessThan(60_000);
  const own = all.filter(({ id }) => id === 'own').map(({ kind }) => kind);
  expect(own).toEqual(['added', 'begun', 'progress', 'retried', 'begun', 'progress', 'completed']);
  for (const place of [0, 1, Math.floor(total / 2), total - 2]) {
    const resumed = watch(queue, cursors[place]);
    await eventually(() => resumed, all.slice(place + 1));
  }
  await queue.announce([]);
  await queue.add(30);
  await eventually(() => all.slice(total).map(({ kind }) => kind), ['progress', 'completed']);
});

it('cursors rise although the clock of the server steps back, and beside events of an older version', async () => {
  const queue = queueOf<number>();
  const all = watch(queue);
  await queue.add(0);
  work(queue);
  await eventually(() => all.length, 2);
  // As after a step of a minute, or from a client that numbers its events as the server does.
  const ahead = Date.now() + 60_000;
  await client().hset('{queue:q}:meta', 'event', `${ahead} 7`);
  for (let n = 2; n <= 8; n += 2) await queue.add(n);
  await eventually(() => all.length, 2 + 8);
  const cursors = all.map(({ cursor }) => cursor);
  for (const [place, cursor] of cursors.slice(1).entries())
    expect(compare(cursors[place] ?? '', cursor)).toBeLessThan(0);
  await client().xadd('{queue:q}:events', `${ahead + 1}-0`, 'i', 'old', 'r', '1', 'a', '');
  for (let n = 2; n <= 8; n += 2) await queue.add(n);
  await eventually(() => all.filter(({ kind }) => kind === 'completed').length, 10);
});

it('tells of tasks whose worker has died', async () => {
  const queue = queueOf<number>();
  const all = watch(queue);
  const child = startChild('hold');
  const { id } = await queue.add(1);
  await child.said('');
  child.kill('SIGKILL');
  workerOf({ queue, handler: ({ data }) => data });
  await eventually(
    () => all.filter((event) => event.id === id).map(({ kind }) => kind),
    ['stalled', 'completed'],
  );
});

it('all readers of a process share one connection, also those of other queues', async () => {
  const queues = Array.from({ length: 5 }, (_, n) => queueOf<number>({ name: `q${n}` }));
  const readers = new Set<string>();
  await watchCommands((line) => {
    const [, address] = /^\S+ \[0 (\S+)\] "xread".*:events"/i.exec(line) ?? [];
    if (address !== undefined) readers.add(address);
  });
  const seen = queues.flatMap((queue) => [watch(queue), watch(queue), watch(queue)]);
  for (const queue of queues) {
    const { id } = await queue.add(2);
    work(queue);
    void queue.wait(id);
  }
  await eventually(
    () => seen.map((events) => events.length),
    seen.map(() => 2),
  );
  expect(readers.size).toBe(1);
});

it.each(['1:5-0', '5-0', 'x', ''])('refuses the cursor "%s"', async (after) => {
  const queue = queueOf<number>();
  await expect(queue.events({ after }).next()).rejects.toThrow(/cursor of an event/);
});

it('refuses kinds that there are not', async () => {
  await expect(queueOf().announce(['completed' as 'added'])).rejects.toThrow(/"added" and "begun"/);
});

it('totals and the histogram grow whatever is kept, and stand in the text for Prometheus', async () => {
  const queue = queueOf<number>({ ...retried, limits: { retain: { count: 1, age: 1 } } });
  const worker = workerOf({
    queue,
    handler: ({ data, attempt }) => {
      if (data === 1 && attempt === 1) throw new Error('once');
      if (data === 2) throw new Error('always');
    },
  });
  for (let n = 0; n < 4; n += 1) await queue.add(n);
  await eventually(async () => (await queue.counts()).totals, {
    ...{ completed: 3, failed: 1, retried: 2, deferred: 0 },
    latency: expect.anything() as never,
  });
  await worker.stop();
  const text = await metricsText([queue]);
  expect(text).toContain(
    '# TYPE holdfast_queue_completed_total counter\nholdfast_queue_completed_total{queue="q"} 3\n',
  );
  expect(text).toContain('holdfast_queue_failed_total{queue="q"} 1\n');
  expect(text).toContain('holdfast_queue_retried_total{queue="q"} 2\n');
  expect(text).toContain('# TYPE holdfast_queue_latency_seconds histogram\n');
  expect(text).toContain('holdfast_queue_latency_seconds_bucket{queue="q",le="+Inf"} 3\n');
  expect(text).toContain('holdfast_queue_latency_seconds_count{queue="q"} 3\n');
});
