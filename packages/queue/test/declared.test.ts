/** What is kept with a queue: its limits, its layout, its place in the registry, and what its tasks were added under. */
import { MisuseError, systemClock, UnavailableError } from '@holdfast/kernel';
import { listQueues, type QueueOptions, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

/** The most that are handled at a time, of 30 tasks, by a worker of a queue with these options. */
async function mostAtATime(options: Partial<QueueOptions<number, number>>): Promise<number> {
  const queue = queueOf<number>(options);
  let [running, most, ended] = [0, 0, 0];
  const worker = workerOf({
    queue,
    concurrency: 20,
    handler: async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      ended += 1;
    },
  });
  await queue.addMany(Array.from({ length: 30 }, (_, data) => ({ data })));
  await eventually(() => ended, 30);
  await worker.stop();
  return most;
}

it('a client that declares no limits leaves those that are kept', async () => {
  await queueOf<number>({ limits: { concurrency: 2, keys: { concurrency: 3 } } }).add(1, { delay: 60_000 });
  expect(await mostAtATime({})).toBe(2);
  await queueOf<number>({}).add(2, { key: 'k' });
  expect(await client().hget('{queue:q}:meta', 'key_limit')).toBe('3');
});

it('a higher version of the limits replaces them, and a lower one leaves them', async () => {
  expect(await mostAtATime({ limits: { version: 1, concurrency: 2 } })).toBe(2);
  expect(await mostAtATime({ limits: { version: 3, concurrency: 4, waiting: 1_000 } })).toBe(4);
  expect(await mostAtATime({ limits: { version: 2, concurrency: 1 } })).toBe(4);
  expect(await client().hget('{queue:q}:meta', 'limits')).toBe(
    '{"version":3,"waiting":1000,"concurrency":4}',
  );
});

it('other limits under the same version are refused, and both are shown', async () => {
  const rate = { max: 5, per: 1_000 };
  await queueOf<number>({ limits: { version: 7, rate } }).add(1);
  await queueOf<number>({ limits: { version: 7, rate: { per: 1_000, max: 5 } } }).add(2);
  const other = queueOf<number>({ limits: { version: 7, waiting: 10 } });
  const refusal = other.add(3);
  await expect(refusal).rejects.toThrow(MisuseError);
  await expect(refusal).rejects.toThrow(
    /has the limits {"version":7,"rate":{"max":5,"per":1000}}; .*: {"version":7,"waiting":10}/,
  );
  expect((await other.counts()).waiting).toBe(2);
  const problems: unknown[] = [];
  const worker = workerOf({ queue: other, handler: () => {}, onError: (error) => problems.push(error) });
  await eventually(() => problems[0] instanceof MisuseError, true);
  expect(worker.problem).toMatch(/declares others under the same version/);
});

it('limits that a server has forgotten are declared again before anything is added', async () => {
  const queue = queueOf<number>({ limits: { waiting: 2 } });
  await queue.add(1);
  await client().flushall();
  const added = await Promise.allSettled([1, 2, 3].map((data) => queue.add(data)));
  expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect(await listQueues({ redis: url() })).toEqual(['q']);
});

it('refuses limits that cannot be kept', () => {
  const wrong: [object, RegExp][] = [
    [{ version: 0 }, /limits.version is a whole number from 1/],
    [{ max: 5 }, /limits has no option "max"; it knows version, waiting/],
    [{ keys: { rate: { max: 1 } } }, /limits.keys.rate.per is a whole number of milliseconds/],
    [null as never, /limits takes an object with version, waiting/],
  ];
  for (const [limits, message] of wrong) expect(() => queueOf({ limits })).toThrow(message);
});

it('a task keeps the attempts and the backoff that it was added under, whoever works on it', async () => {
  const attempts = new Map<string, number>();
  const handler = ({ data, attempt }: Task<string>): void => {
    attempts.set(data, attempt);
    throw new Error('no');
  };
  const immediately = { type: 'constant', delay: 0 } as const;
  const strict = queueOf<string>({ attempts: 1 });
  const patient = queueOf<string>({ attempts: 4, backoff: immediately });
  await strict.add('strict');
  await strict.add('strict, with a record', { key: 'k' });
  await patient.add('patient');
  await patient.add('own', { attempts: 2 });
  await queueOf<string>({ backoff: immediately }).add('default');
  workerOf({ queue: queueOf<string>({ attempts: 50 }), concurrency: 5, handler });
  await eventually(async () => (await patient.counts()).dead, 5);
  expect(Object.fromEntries(attempts)).toEqual({
    ...{ strict: 1, 'strict, with a record': 1, patient: 4, own: 2, default: 3 },
  });
});

it('expiry is by the clock of the server', async () => {
  const behind = { ...systemClock, wall: () => systemClock.wall() - 8_000_000 };
  const queue = queueOf<string>({ clock: behind });
  await queue.add('entry', { expires: 5_000 });
  await queue.add('record', { expires: 5_000, key: 'k' });
  const seen: string[] = [];
  workerOf({ queue, handler: ({ data }: Task<string>) => void seen.push(data) });
  await eventually(async () => (await queue.counts()).completed, 2);
  expect(seen.sort()).toEqual(['entry', 'record']);
});

it('a client that knows only an older layout refuses before it writes', async () => {
  const queue = queueOf<number>();
  await queue.add(1);
  await client().hset('{queue:q}:meta', 'layout', '2');
  const [stranger, before] = [queueOf<number>(), await contents()];
  for (const one of [queue, stranger]) {
    const calls = [
      () => one.add(2),
      () => one.add(2, { id: 'x' }),
      () => one.counts(),
      () => one.get('1-1'),
      () => one.remove('1-1'),
      () => one.pause(),
      () => one.schedule('s', 1, { every: 1_000 }),
      () => one.obliterate({ confirm: 'q', force: true }),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toThrow(MisuseError);
      await expect(call()).rejects.toThrow(/has the key layout 2, .* nothing was done/);
    }
  }
  const problems: unknown[] = [];
  const worker = workerOf({ queue: stranger, handler: () => {}, onError: (error) => problems.push(error) });
  await eventually(() => problems[0] instanceof MisuseError, true);
  await worker.stop();
  expect(await contents()).toEqual(before);
});

it('queues with a prefix are others, and all their keys have it', async () => {
  await queueOf<number>({ prefix: 'staging:', limits: { concurrency: 1 } }).add(1, { id: 'a', key: 'k' });
  for (const key of await client().keys('*')) expect(key).toMatch(/^staging:/);
  expect(await listQueues({ redis: url() })).toEqual([]);
  expect(await listQueues({ redis: url(), prefix: 'staging:' })).toEqual(['q']);
  const production = queueOf<number>({ prefix: 'production:' });
  expect((await production.add(1, { id: 'a' })).added).toBe(true);
  workerOf({ queue: production, handler: ({ issuer, resource }) => [issuer, resource] });
  const issuer = 'queue:production:{q}';
  expect(await production.wait('a')).toEqual([issuer, `${issuer}/a`]);
});

it('a queue is registered before anything is in it, until it is obliterated', async () => {
  const queue = queueOf<number>({ name: 'one' });
  expect(await queue.exists()).toBe(false);
  expect(await listQueues({ redis: url() })).toEqual([]);
  await queue.add(1);
  expect(await queue.exists()).toBe(true);
  workerOf({ queue: queueOf<number>({ name: 'two' }), handler: () => {} });
  await eventually(() => listQueues({ redis: url() }), ['one', 'two']);
  await queue.obliterate({ confirm: 'one' });
  expect(await queue.exists()).toBe(false);
  expect(await listQueues({ redis: url() })).toEqual(['two']);
  await queue.add(2);
  expect(await listQueues({ redis: url() })).toEqual(['one', 'two']);
  expect(await commands()).not.toContain('scan');
});

it('adds to a server that is emptied all the time, or says that it was', async () => {
  const queue = queueOf<number>({ limits: { waiting: 1_000 } });
  let over = false;
  const emptying = (async () => {
    while (!over) await client().flushall();
  })();
  const outcomes = await Promise.allSettled(Array.from({ length: 300 }, (_, data) => queue.add(data)));
  over = true;
  await emptying;
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(UnavailableError);
  }
  await queue.add(1);
  expect(await client().hget('{queue:q}:meta', 'max')).toBe('1000');
});

it('refuses names and ids that no key can have', async () => {
  for (const name of ['', 'a b', 'a:b', 'a{b', 'ä', 'a'.repeat(65), 'a@', '@b', 'a@b@c', 'a.b', 5 as never]) {
    expect(() => queueOf({ name })).toThrow(/name is 1 to 64 letters/);
  }
  for (const name of ['a'.repeat(64), 'A-b_9', 'q.0', 'q.255@g']) queueOf({ name });
  expect(() => queueOf({ prefix: 'a{' })).toThrow(/prefix is a string/);
  const queue = queueOf<number>();
  for (const id of ['', 'a'.repeat(257), 'é'.repeat(129), '\ud800', 5 as never]) {
    await expect(queue.add(1, { id })).rejects.toThrow(/id is text of 1 to 256 bytes/);
    await expect(queue.get(id)).rejects.toThrow(MisuseError);
  }
  for (const id of ['é'.repeat(128), 'a\nb\u0001c', '§$%']) {
    expect((await queue.add(1, { id })).added).toBe(true);
    expect((await queue.get(id))?.state).toBe('waiting');
    expect(await queue.remove(id)).toBe(true);
  }
});

/** All that is in the server, by key. */
async function contents(): Promise<[key: string, value: string][]> {
  const keys = (await client().keys('*')).sort();
  const values = await Promise.all(keys.map((key) => client().dumpBuffer(key)));
  return keys.map((key, index) => [key, values[index]?.toString('hex') ?? '']);
}

/** The commands that the server has carried out since it began. */
async function commands(): Promise<string[]> {
  const stats = await client().info('commandstats');
  return [...stats.matchAll(/^cmdstat_([^:]+)/gm)].map(([, name = '']) => name);
}
