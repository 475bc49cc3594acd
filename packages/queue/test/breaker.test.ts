/** The circuit breaker: nothing begins for a while after many failures, and then one task, which decides. */
import { MisuseError, NonRetryableError } from '@holdfast/kernel';
import { metricsText, type Queue, type Task } from '@holdfast/queue';
import { openRemote } from '@holdfast/queue/remote';
import { handleAll } from '@holdfast/queue/testing';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const META = '{queue:q}:meta';
const HOUR = 3_600_000;

/** As if the pause were over. */
const endPause = (): Promise<unknown> => client().hset(META, 'broken', '1');

const stateOf = async (queue: Queue): Promise<string> => (await queue.counts()).breaker;

interface Service {
  readonly begun: Task[];
  fails: boolean;
}

function work(queue: Queue, workers = 2, concurrency = 3): Service {
  const service: Service = { begun: [], fails: true };
  for (let n = 0; n < workers; n += 1) {
    workerOf({
      queue,
      concurrency,
      handler: async (task) => {
        service.begun.push(task);
        if (service.fails) throw new Error('away');
      },
    });
  }
  return service;
}

const many = (queue: Queue, count: number) =>
  queue.addMany(Array.from({ length: count }, (_, data) => ({ data })));

it('opens for all workers after so many failures; one task at a time decides what comes then', async () => {
  const queue = queueOf({
    ...{ attempts: 2, backoff: { type: 'constant', delay: 1 } },
    limits: { breaker: { failures: 5, within: HOUR, pause: HOUR } },
  });
  await queue.pause();
  await many(queue, 40);
  const service = work(queue);
  await queue.resume();
  await eventually(() => stateOf(queue), 'open');
  // Those that had begun by then have ended.
  await eventually(async () => (await queue.counts()).active, 0);
  const before = service.begun.length;
  expect(before).toBeLessThan(40);
  expect(await metricsText([queue])).toContain('holdfast_queue_broken{queue="q"} 1');

  // A worker may ask before it is woken; the task that it is given fails, and is the only one.
  await endPause();
  await queue.add('wakes a worker');
  await eventually(async () => [await stateOf(queue), service.begun.length], ['open', before + 1]);

  service.fails = false;
  await endPause();
  await queue.add('wakes a worker');
  await eventually(async () => (await queue.counts()).waiting, 0);
  await eventually(() => stateOf(queue), 'closed');
  const kinds: string[] = [];
  const ended = new AbortController();
  for await (const { kind, id } of queue.events({ after: '0:0-0', signal: ended.signal })) {
    if (id === '') kinds.push(kind);
    if (kind === 'closed') ended.abort();
  }
  expect(kinds).toEqual(['opened', 'opened', 'closed']);
});

it('a probe that is lost, deferred or the task’s own failure decides nothing, and another comes', async () => {
  const queue = queueOf({ attempts: 1, limits: { breaker: { failures: 1, within: HOUR, pause: HOUR } } });
  const remote = openRemote(queue);
  later(() => remote.close());
  const { signal } = new AbortController();
  const claim = (session: string, most = 3) =>
    remote
      .claim({ session, lease: 60_000, most, wait: 0, signal })
      .then((claimed) => claimed?.deliveries ?? []);
  await many(queue, 6);
  const [first] = await claim('one', 1);
  await remote.fail(first!.ref, new Error('away'), { retry: true });
  expect(await stateOf(queue)).toBe('open');
  expect(await claim('two')).toEqual([]);

  await endPause();
  const [lost, ...none] = await claim('three');
  expect(none).toEqual([]);
  expect(await claim('four')).toEqual([]);
  await remote.handBack(lost!.ref);
  const [again] = await claim('five');
  expect(again?.id).toBe(lost?.id);
  expect(await claim('six')).toEqual([]);
  await queue.cancel(again!.id);
  await remote.complete(again!.ref, null);
  const [own] = await claim('seven');
  await remote.fail(own!.ref, new Error('nonsense'), { retry: false });
  expect(await stateOf(queue)).toBe('half-open');
  const [good] = await claim('eight');
  expect(await claim('nine')).toEqual([]);
  await remote.complete(good!.ref, null);
  expect(await stateOf(queue)).toBe('closed');
  expect(await claim('ten')).toHaveLength(2);
});

it('counts neither failures that are the task’s own nor those before the time of the breaker', async () => {
  const queue = queueOf({ attempts: 1, limits: { breaker: { failures: 2, within: HOUR, pause: HOUR } } });
  let error: Error = new NonRetryableError('mine');
  workerOf({
    queue,
    handler: () => {
      throw error;
    },
  });
  const failOne = async (): Promise<void> => {
    const { id } = await queue.add(1);
    await expect(queue.wait(id)).rejects.toThrow();
  };
  for (let n = 0; n < 3; n += 1) await failOne();
  error = new Error('away');
  await failOne();
  const log = String(await client().hget('{queue:q}:begun', '\u0004'));
  expect(log).toMatch(/^\d+ 1$/);
  await client().hset('{queue:q}:begun', '\u0004', `${Number(log.split(' ')[0]) - HOUR - 1} 1`);
  await failOne();
  expect(await stateOf(queue)).toBe('closed');
  await failOne();
  expect(await stateOf(queue)).toBe('open');
});

it('closes when somebody resumes the queue, or the limits have none any more; the clock may be set back', async () => {
  const queue = queueOf({ attempts: 1, limits: { breaker: { failures: 1, within: HOUR, pause: 300 } } });
  const service = work(queue, 1, 1);
  await queue.add(1);
  await eventually(() => stateOf(queue), 'open');
  await queue.setLimits({ breaker: { failures: 1, within: HOUR, pause: HOUR } });
  await client().hset(META, 'broken', String(Date.now() + 30 * 24 * HOUR));
  await many(queue, 2);
  await queue.resume();
  // The next one fails, too.
  await eventually(async () => [service.begun.length, await stateOf(queue)], [2, 'open']);
  service.fails = false;
  await queue.setLimits({});
  await eventually(async () => [(await queue.counts()).completed, await stateOf(queue)], [1, 'closed']);

  service.fails = true;
  await queue.setLimits({ breaker: { failures: 1, within: HOUR, pause: 300 } });
  expect(await stateOf(queue)).toBe('closed');
  await many(queue, 2);
  await eventually(async () => [service.begun.length, await stateOf(queue)], [4, 'open']);
  // A clock that was set back keeps it open for no longer than its pause.
  await client().hset(META, 'broken', String(Date.now() + 30 * 24 * HOUR));
  service.fails = false;
  await queue.add(1);
  await eventually(async () => (await queue.counts()).waiting, 0);
});

it('is no reason to wait for whoever handles all tasks in a test', async () => {
  const queue = queueOf<number>({
    attempts: 2,
    limits: { breaker: { failures: 1, within: HOUR, pause: HOUR } },
  });
  await many(queue, 3);
  const handler = (task: Task<number>): void => {
    if (task.attempt === 1) throw new Error('away');
  };
  expect(await handleAll({ queue, handler })).toBe(6);
  expect(await queue.counts()).toMatchObject({ completed: 3, waiting: 0 });
});

it('refuses what can be no breaker', () => {
  for (const breaker of [{ failures: 0, within: 1, pause: 1 }, { failures: 1, within: 1 }, 5])
    expect(() => queueOf({ limits: { breaker: breaker as never } })).toThrow(MisuseError);
});
