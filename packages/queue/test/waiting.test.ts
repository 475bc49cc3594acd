/** Waiting for results: it settles, whatever becomes of the task; and what happens is kept within bounds. */
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { type QueueEvent, type Task, TaskFailedError, TaskGoneError } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, watchCommands, workerOf } from './setting.js';

useRedis();

/** Resolves when a connection follows the events. */
async function followed(): Promise<void> {
  await eventually(async () => {
    const clients = String(await client().info('clients'));
    return Number(/^blocked_clients:(\d+)/m.exec(clients)?.[1]) >= 1;
  }, true);
}

it('ends with an error when the task is removed, whatever state it is in', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const plain = await queue.add(1);
  await queue.add(2, { id: 'named' });
  await queue.add(3, { id: 'keyed', key: 'k' });
  await queue.add(4, { id: 'late', delay: 60_000 });
  const ids = [plain.id, 'named', 'keyed', 'late'];
  const waits = ids.map((id) => expect(queue.wait(id)).rejects.toThrow(TaskGoneError));
  await followed();
  for (const id of ids) expect(await queue.remove(id)).toBe(true);
  await Promise.all(waits);
});

it('ends with an error when the queue is purged, obliterated here or elsewhere, or Redis is emptied', async () => {
  const purged = queueOf<number>({ name: 'purged' });
  const [here, elsewhere, operator] = [
    queueOf<number>(),
    queueOf<number>({ name: 'r' }),
    queueOf({ name: 'r' }),
  ];
  const emptied = queueOf<number>({ name: 'emptied' });
  const queues = [purged, here, elsewhere, emptied];
  let read = '';
  await watchCommands((line) => {
    if (/"xread"/i.test(line)) read = line;
  });
  const waits = queues.map(async (queue) => {
    const { id } = await queue.add(1, { delay: 60_000 });
    await expect(queue.wait(id)).rejects.toThrow(TaskGoneError);
  });
  // All over one connection.
  await eventually(() => queues.every(({ name }) => read.includes(`{queue:${name}}:events`)), true);
  await purged.purge('delayed');
  await here.obliterate({ confirm: 'q' });
  await operator.obliterate({ confirm: 'r' });
  await client().unlink('{queue:emptied}:tasks', '{queue:emptied}:delayed');
  await Promise.all(waits);
});

it('ends when the queue is closed, which then says that it is', async () => {
  const queue = queueOf<number>();
  const { id } = await queue.add(1);
  const waiting = queue.wait(id);
  const ended = expect(waiting).rejects.toThrow(AbortedError);
  await followed();
  await queue.close();
  await ended;
  await expect(waiting).rejects.toThrow(/"q" was closed/);
  const calls = [() => queue.wait(id), () => queue.add(1), () => queue.counts()];
  for (const call of calls) {
    await expect(call()).rejects.toThrow(MisuseError);
    await expect(call()).rejects.toThrow(/The queue "q" is closed; create another/);
  }
});

it('settles also where far more wait than results are kept', async () => {
  const queue = queueOf<number>({ limits: { retain: { count: 100 } } });
  const added = await queue.addMany(Array.from({ length: 4_000 }, (_, data) => ({ data })));
  const waits = added.map(({ id }) => queue.wait(id));
  const settled = Promise.allSettled(waits);
  await followed();
  workerOf({ queue, concurrency: 200, handler: ({ data }: Task<number>) => data });
  for (const [index, wait] of (await settled).entries()) {
    if (wait.status === 'fulfilled') expect(wait.value).toBe(index);
    else expect(wait.reason).toBeInstanceOf(TaskGoneError);
  }
});

it('keeps results, however much progress is noted and however many attempts fail', async () => {
  const queue = queueOf<number>({
    limits: { retain: { count: 100 } },
    attempts: 3,
    backoff: { type: 'constant', delay: 0 },
  });
  workerOf({
    queue,
    concurrency: 8,
    handler: async (task: Task<number>) => {
      await Promise.all(Array.from({ length: 200 }, (_, step) => task.progress(step)));
      if (task.attempt < 3) throw new Error('again');
      return task.data;
    },
  });
  const added = await queue.addMany(Array.from({ length: 8 }, (_, data) => ({ data })));
  const results = await Promise.all(added.map(({ id }) => queue.wait(id)));
  expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(await Promise.all(added.map(({ id }) => queue.wait(id)))).toEqual(results);
  expect(await client().xlen('{queue:q}:events')).toBe(8);
  expect(await client().xlen('{queue:q}:notices')).toBeLessThanOrEqual(1_200);
});

it('tells of progress, failures, removals and results in the order in which they happen', async () => {
  const queue = queueOf<string>({ attempts: 2, backoff: { type: 'constant', delay: 0 } });
  const ended = new AbortController();
  const seen: QueueEvent[] = [];
  const following = (async () => {
    for await (const event of queue.events({ signal: ended.signal })) seen.push(event);
  })();
  await followed();
  await queue.add('removed', { id: 'removed' });
  await queue.remove('removed');
  await queue.add('done', { id: 'done' });
  await queue.add('dead', { id: 'dead' });
  workerOf({
    queue,
    handler: async (task: Task<string>) => {
      await task.progress(task.attempt);
      if (task.data === 'dead') throw new Error('no');
    },
  });
  await expect(queue.wait('dead')).rejects.toThrow(TaskFailedError);
  await eventually(() => seen.length, 7);
  expect(seen.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
    ...['removed removed', 'progress done', 'completed done'],
    ...['progress dead', 'retried dead', 'progress dead', 'failed dead'],
  ]);
  ended.abort();
  await following;
});

it('waits for many tasks under one signal, without a warning', async () => {
  const queue = queueOf<number>();
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  const stopping = new AbortController();
  const ids = Array.from({ length: 30 }, (_, number) => `t${number}`);
  await queue.addMany(ids.map((id, data) => ({ data, options: { id } })));
  const waits = ids.map((id) =>
    expect(queue.wait(id, { signal: stopping.signal })).rejects.toThrow(AbortedError),
  );
  await followed();
  stopping.abort();
  await Promise.all(waits);
  process.off('warning', warned);
  expect(warnings).toEqual([]);
});

it('ends with an error when its signal aborts before Redis has answered for the first time', async () => {
  const queue = queueOf<number>();
  const { id } = await queue.add(1);
  const waiting = new AbortController();
  const wait = queue.wait(id, { signal: waiting.signal });
  waiting.abort();
  await expect(wait).rejects.toThrow(AbortedError);
});
