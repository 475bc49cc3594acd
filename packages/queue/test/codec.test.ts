/** The payloads of tasks behind a codec: what is in Redis, what everybody reads, and programs without it or its keys. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import {
  type Codec,
  CodecError,
  createPartitionedQueue,
  MisuseError,
  type Queue,
  type QueueEvent,
  TaskFailedError,
} from '@holdfast/queue';
import { openRemote } from '@holdfast/queue/remote';
import { handleAll } from '@holdfast/queue/testing';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

const SECRET = 'geheim-4711';

/** AES-256-GCM with several keys: the first byte names that with which the rest was encoded; writes with the last. */
function aes(...ids: readonly number[]): Codec {
  const keyOf = (id: number): Buffer => Buffer.alloc(32, id);
  return {
    encode(data, { owner }) {
      const id = ids.at(-1) as number;
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keyOf(id), nonce).setAAD(Buffer.from(owner));
      const text = Buffer.concat([cipher.update(data), cipher.final()]);
      return Buffer.concat([Buffer.of(id), nonce, cipher.getAuthTag(), text]);
    },
    decode(data, { owner }) {
      const id = data[0] as number;
      if (!ids.includes(id)) throw new Error(`there is no key ${id}`);
      const decipher = createDecipheriv('aes-256-gcm', keyOf(id), data.subarray(1, 13));
      decipher.setAAD(Buffer.from(owner)).setAuthTag(data.subarray(13, 29));
      return Buffer.concat([decipher.update(data.subarray(29)), decipher.final()]);
    },
  };
}

/** All that is in Redis, as text. */
async function everything(): Promise<string> {
  const redis = client();
  const all: unknown[] = [];
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    if (type === 'hash') all.push(key, await redis.hgetall(key));
    else if (type === 'stream') all.push(key, await redis.xrange(key, '-', '+'));
    else if (type === 'zset') all.push(key, await redis.zrange(key, '0', '-1'));
    else if (type === 'list') all.push(key, await redis.lrange(key, 0, -1));
    else all.push(key, await redis.get(key));
  }
  return JSON.stringify(all);
}

const gather = async <T>(all: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const each of all) list.push(each);
  return list;
};

/** What the queue tells from now on. */
function eventsOf(queue: Queue): QueueEvent[] {
  const heard: QueueEvent[] = [];
  const ended = new AbortController();
  later(() => ended.abort());
  void (async () => {
    for await (const event of queue.events({ after: '0:0-0', signal: ended.signal })) heard.push(event);
  })();
  return heard;
}

it('keeps nothing readable of what a task carries, and gives all of it to who has the codec', async () => {
  const queue = queueOf<unknown>({ codec: aes(1), attempts: 2, backoff: { type: 'constant', delay: 0 } });
  const heard = eventsOf(queue);
  const data = { text: SECRET };
  await queue.add(data);
  await queue.add(data, { priority: 2, kind: 'k' });
  await queue.add(data, { id: 'keyed', key: 'customer' });
  await queue.add(data, { id: 'late', delay: 3_600_000 });
  await queue.addMany([{ data }], { followUp: { data, options: { id: 'after' } } });
  await queue.schedule('s', data, { every: 3_600_000 });
  const waiting = await queue.list('waiting');
  expect(waiting.tasks.map((task) => task.data)).toEqual([data, data, data, data]);
  expect(waiting.tasks.every((task) => task.encoded === undefined)).toBe(true);
  expect((await queue.get('late'))?.data).toEqual(data);
  expect((await queue.schedules())[0]?.data).toEqual(data);
  expect(await queue.change('late', { data: { changed: SECRET } })).toBe('changed');
  await queue.promote('late');
  await queue.runSchedule('s');
  await queue.add('bad', { id: 'bad' });
  let shown = '';
  workerOf({
    queue,
    handler: async (task) => {
      await task.progress(data);
      await task.log(SECRET);
      shown += await everything();
      if (task.data === 'bad') throw new Error(SECRET, { cause: new Error(`cause ${SECRET}`) });
      if (task.id === 'after') return gather(task.outcomes());
      if (task.id === 'keyed' && task.attempt === 1) throw new Error(`once ${SECRET}`);
      return task.data;
    },
  });
  expect(await queue.wait('after')).toMatchObject([{ state: 'completed', result: data }]);
  expect(await queue.wait('late')).toEqual({ changed: SECRET });
  expect(await queue.wait('keyed')).toEqual(data);
  await expect(queue.wait('bad')).rejects.toThrow(TaskFailedError);
  await expect(queue.wait('bad')).rejects.toThrow(SECRET);
  await eventually(async () => (await queue.counts()).completed, 7);
  expect(shown + (await everything())).not.toContain('4711');
  expect(shown).toContain('customer');
  expect(await queue.get('keyed')).toMatchObject({
    result: data,
    errors: [{ attempt: 1, message: `once ${SECRET}` }],
  });
  expect(await queue.get('bad')).toMatchObject({
    data: 'bad',
    errors: [{ message: SECRET }, { message: SECRET, cause: expect.stringContaining(`cause ${SECRET}`) }],
  });
  expect((await queue.get('bad'))?.errors?.[1]?.stack).toContain('codec.test');
  expect((await queue.log('bad')).map(({ text }) => text)).toEqual([SECRET, SECRET]);
  expect((await queue.list('completed')).tasks.map(({ result }) => result)).toContainEqual(data);
  expect(await gather(queue.outcomes('after'))).toMatchObject([{ result: data }]);
  await eventually(() => heard.filter(({ kind }) => kind === 'failed').length, 1);
  expect(heard).toContainEqual(expect.objectContaining({ kind: 'failed', reason: SECRET }));
  expect(heard).toContainEqual(expect.objectContaining({ kind: 'retried', reason: `once ${SECRET}` }));
  expect(heard).toContainEqual(expect.objectContaining({ kind: 'progress', progress: data }));
  expect(heard).toContainEqual(expect.objectContaining({ kind: 'completed', result: { changed: SECRET } }));
});

it('reads what was kept before there was a codec, and what the keys before encoded', async () => {
  const before = queueOf<unknown>();
  await before.add({ from: 'before' }, { id: 'a', delay: 3_600_000 });
  await before.add({ from: 'before' });
  await queueOf<unknown>({ codec: aes(1) }).add({ from: 'key 1' });
  const queue = queueOf<unknown>({ codec: aes(1, 2) });
  await queue.add({ from: 'key 2' });
  const seen: unknown[] = [];
  await queue.change('a', { data: { from: 'change' } });
  expect(await handleAll({ queue, handler: (task) => void seen.push(task.data) })).toBe(4);
  expect(seen).toEqual([{ from: 'before' }, { from: 'key 1' }, { from: 'key 2' }, { from: 'change' }]);
  // And back: what is changed without a codec is not encoded any more.
  await queue.add(1, { id: 'b', delay: 3_600_000 });
  await before.change('b', { data: 2 });
  expect((await before.get('b'))?.data).toBe(2);
});

it('leaves a task that it cannot decode to others, without an attempt, and its handler does not see it', async () => {
  const queue = queueOf<unknown>({ codec: aes(2) });
  const { id } = await queue.add(SECRET, { attempts: 1 });
  const errors: unknown[] = [];
  const seen: unknown[] = [];
  const blind = workerOf({
    queue: queueOf<unknown>(),
    handler: (task) => seen.push(task.data),
    onError: (error) => errors.push(error),
  });
  await eventually(async () => (await queue.counts()).delayed, 1);
  await blind.stop();
  expect(errors).toEqual([expect.any(CodecError)]);
  expect(String(errors[0])).toContain(`The data of task ${id} of "q" cannot be read.`);
  expect(String(errors[0])).toContain('Give createQueue the codec');
  const wrong = workerOf({
    queue: queueOf<unknown>({ codec: aes(1) }),
    handler: (task) => seen.push(task.data),
    onError: (error) => errors.push(error),
  });
  await queue.promote(id);
  await eventually(() => errors.length, 2);
  expect(String(errors[1])).toContain('there is no key 2');
  await wrong.stop();
  expect(seen).toEqual([]);
  await queue.promote(id);
  expect(await handleAll({ queue, handler: (task) => void seen.push([task.data, task.attempt]) })).toBe(1);
  expect(seen).toEqual([[SECRET, 1]]);
});

it('says to programs without the codec what is encoded, and hides nothing else', async () => {
  const queue = queueOf<unknown>({ codec: aes(1), attempts: 1 });
  await queue.add(SECRET, { id: 'a', key: 'k' });
  await queue.add(SECRET, { id: 'b' });
  await queue.schedule('s', SECRET, { every: 3_600_000 });
  const blind = queueOf<unknown>();
  const why = expect.stringContaining('Give createQueue the codec with which it was encoded');
  expect(await blind.get('a')).toMatchObject({ key: 'k', state: 'waiting', data: undefined, encoded: why });
  expect((await blind.list('waiting')).tasks).toMatchObject([{ encoded: why }, { encoded: why }]);
  expect(await blind.schedules()).toMatchObject([{ name: 's', data: undefined, encoded: why }]);
  await handleAll({
    queue,
    handler: async (task) => {
      await task.log(SECRET);
      if (task.id === 'a') throw new Error(SECRET);
      return SECRET;
    },
  });
  expect(await blind.get('a')).toMatchObject({ state: 'dead', errors: [{ message: '(encoded)' }] });
  expect(await blind.get('b')).toMatchObject({ state: 'completed', result: undefined, encoded: why });
  await expect(blind.wait('b')).rejects.toThrow(CodecError);
  await expect(blind.wait('b')).rejects.toThrow('The result of task b of "q" cannot be read.');
  await expect(blind.wait('a')).rejects.toThrow('(encoded)');
  expect(await blind.log('b')).toMatchObject([{ attempt: 1, text: '(encoded)', encoded: why }]);
  const heard = eventsOf(blind);
  await eventually(() => heard.length, 2);
  expect(heard).toContainEqual(
    expect.objectContaining({ kind: 'completed', result: undefined, encoded: why }),
  );
  // A letter is chosen by what can be read of it only.
  await expect(blind.requeueAll({ error: SECRET })).rejects.toThrow(CodecError);
  await expect(blind.requeueAll({ filter: () => true })).rejects.toThrow(CodecError);
  expect(await queue.requeueAll({ error: 'another' })).toBe(0);
  expect(await blind.requeueAll({ key: 'k' })).toBe(1);
  expect((await queue.get('a'))?.data).toBe(SECRET);
});

it('sets a schedule again without beginning it anew, though what is encoded differs', async () => {
  const queue = queueOf<unknown>({ codec: aes(1) });
  const kept = async () => client().hget('{queue:q}:schedules', 's');
  await queue.schedule('s', SECRET, { every: 3_600_000 });
  const first = await kept();
  await queue.schedule('s', SECRET, { every: 3_600_000 });
  expect(await kept()).toBe(first);
  await queue.schedule('s', 'other', { every: 3_600_000 });
  expect(await kept()).not.toBe(first);
});

it('says what a codec did that fails, gives nonsense, or never settles, and does nothing', async () => {
  const failing = (codec: Partial<Codec>) =>
    queueOf<unknown>({ codec: { ...aes(1), ...codec }, attempts: 1, name: 'f' });
  const broken = failing({
    encode: () => {
      throw new Error('no key today');
    },
  });
  await expect(broken.add(1)).rejects.toThrow(CodecError);
  await expect(broken.add(1, { id: 'x' })).rejects.toThrow('no key today');
  await expect(failing({ encode: () => 'text' as never }).add(1)).rejects.toThrow(
    'did not give a Uint8Array',
  );
  expect((await broken.counts()).waiting).toBe(0);
  const good = failing({});
  await good.add('data', { id: 'a' });
  await good.add('data', { id: 'b' });
  const errors: unknown[] = [];
  const calls: string[] = [];
  const worker = workerOf({
    queue: broken,
    handler: async (task) => {
      calls.push(task.id);
      await expect(task.progress(1)).rejects.toThrow(CodecError);
      await expect(task.log('line')).rejects.toThrow(CodecError);
      if (task.id === 'b') throw new Error(SECRET);
      return SECRET;
    },
    onError: (error) => errors.push(String(error)),
  });
  // What has succeeded is not run again because its result cannot be encoded.
  await eventually(async () => (await good.counts()).completed, 1);
  await eventually(async () => (await good.counts()).dead, 1);
  await worker.stop();
  expect(calls.sort()).toEqual(['a', 'b']);
  expect(await good.get('a')).toMatchObject({ notKept: expect.stringContaining('no key today') });
  const [failure] = (await good.get('b'))?.errors ?? [];
  expect(failure?.message).toContain('its error was not kept');
  expect(await everything()).not.toContain('4711');
  const decoding = failing({ decode: () => Buffer.from('no JSON') });
  await good.add('data', { id: 'c' });
  expect(await decoding.get('c')).toMatchObject({
    encoded: expect.stringContaining('did not give what encode was given'),
  });
  expect(() => queueOf({ codec: { encode: () => Buffer.of() } as never })).toThrow(MisuseError);
});

it('asks the codec for a result again, because its handler is not run again', async () => {
  let failures = 0;
  const codec: Codec = {
    ...aes(1),
    encode(data, context) {
      if (String(data) === '"result"' && failures++ === 0) throw new Error('away for a moment');
      return aes(1).encode(data, context);
    },
  };
  const queue = queueOf<unknown>({ codec });
  const { id } = await queue.add('data');
  expect(await handleAll({ queue, handler: () => 'result' })).toBe(1);
  expect(await queue.get(id)).toMatchObject({ state: 'completed', result: 'result' });
  expect(failures).toBe(2);
});

it('judges sizes by what is kept', async () => {
  const half: Codec = { encode: (data) => data.subarray(0, 10), decode: (data) => data };
  const small = queueOf<unknown>({ codec: half, maxBytes: 100, name: 'small' });
  await small.add('x'.repeat(10_000));
  const large = queueOf<unknown>({ codec: aes(1), maxBytes: 100, name: 'large' });
  await expect(large.add('x'.repeat(80))).rejects.toThrow(/bytes when encoded, and 100 are the most/);
  await large.add('x', { id: 'a' });
  await handleAll({ queue: large, handler: () => 'x'.repeat(80) });
  expect(await large.get('a')).toMatchObject({ notKept: expect.stringContaining('when encoded') });
});

it('adds in the order of the calls, however long the codec takes for each', async () => {
  let calls = 0;
  const codec: Codec = {
    async encode(data) {
      for (let turns = 100 - 20 * calls++; turns > 0; turns -= 1) await undefined;
      return data;
    },
    decode: (data) => data,
  };
  const queue = queueOf<unknown>({ codec });
  await queue.addMany([1, 2, 3, 4].map((data) => ({ data, options: { key: 'k' } })));
  const seen: unknown[] = [];
  await handleAll({ queue, handler: (task) => void seen.push(task.data) });
  expect(seen).toEqual([1, 2, 3, 4]);
});

it('passes a follow-up on to another queue, which decodes it and what it follows on', async () => {
  const owners = new Set<string>();
  const codec: Codec = {
    encode: (data, context) => aes(1).encode(data, context),
    decode: (data, context) => {
      owners.add(context.owner);
      return aes(1).decode(data, context);
    },
  };
  const first = queueOf<unknown>({ name: 'first', codec });
  const second = queueOf<unknown>({ name: 'second', codec });
  const followUp = { queue: second, data: SECRET, options: { id: 'after' } };
  await first.addMany([{ data: 1 }], { followUp });
  expect((await first.get('after'))?.data).toBe(SECRET);
  workerOf({ queue: first, handler: () => SECRET });
  workerOf({ queue: second, handler: async (task) => [task.data, await gather(task.outcomes())] });
  await eventually(async () => (await second.get('after'))?.result !== undefined, true);
  expect((await second.get('after'))?.result).toMatchObject([SECRET, [{ result: SECRET }]]);
  expect(await everything()).not.toContain('4711');
  expect([...owners].sort()).toEqual(['queue:first', 'queue:second']);
});

it('encodes for groups, partitions and programs elsewhere alike', async () => {
  const codec = aes(1);
  const grouped = queueOf<unknown>({ name: 'g', groups: ['a', 'b'], codec, prefix: 'p:' });
  await grouped.add(SECRET, { id: '1' });
  expect((await queueOf({ name: 'g@b', codec, prefix: 'p:' }).get('1'))?.data).toBe(SECRET);
  const partitioned = createPartitionedQueue({ redis: url(), name: 'parts', partitions: 2, codec });
  later(() => partitioned.close());
  await partitioned.add(SECRET, { id: '2' });
  expect((await partitioned.get('2'))?.data).toBe(SECRET);

  const queue = queueOf<unknown>({ codec, attempts: 1 });
  const remote = openRemote(queue);
  later(() => remote.close());
  const { signal } = new AbortController();
  const request = { session: 'w.1', lease: 30_000, most: 2, wait: 0, signal };
  await queue.add(SECRET, { id: 'x' });
  await queue.add(SECRET, { id: 'y' });
  const claimed = await remote.claim(request);
  expect(claimed?.deliveries.map(({ data }) => data)).toEqual([SECRET, SECRET]);
  const [one, other] = claimed?.deliveries.map(({ ref }) => ref) ?? [];
  if (!one || !other) throw new Error('no deliveries');
  await remote.progress(one, SECRET);
  await remote.log(one, SECRET);
  await remote.complete(one, SECRET);
  await remote.fail(other, new Error(SECRET), { retry: true });
  expect((await queue.get('x'))?.result).toBe(SECRET);
  expect((await queue.get('y'))?.errors?.[0]?.message).toBe(SECRET);
  expect(await everything()).not.toContain('4711');

  await queue.add(SECRET, { id: 'z' });
  const blind = openRemote(queueOf<unknown>());
  later(() => blind.close());
  await expect(blind.claim({ ...request, session: 'w.2' })).rejects.toThrow(CodecError);
  expect(await queue.counts()).toMatchObject({ delayed: 1, workers: 0 });
});

it('does not begin what was cancelled while it was decoded, and ends a test that cannot decode', async () => {
  let open = (_: unknown): void => {};
  const asked = new Promise<() => void>((resolve) => {
    open = resolve as never;
  });
  const codec: Codec = {
    encode: (data) => data,
    decode: (data) => new Promise((resolve) => open(() => resolve(data))),
  };
  const queue = queueOf<unknown>({ codec });
  await queue.add(1, { id: 'a' });
  const begun: string[] = [];
  const worker = workerOf({ queue, handler: (task) => begun.push(task.id) });
  const answer = await asked;
  await queue.cancel('a');
  await eventually(async () => (await queue.counts()).cancelled, 1);
  answer();
  await worker.stop();
  expect(begun).toEqual([]);
  await queueOf<unknown>({ codec: aes(1) }).add(2, { id: 'b' });
  const blind = queueOf<unknown>();
  await expect(handleAll({ queue: blind, handler: () => {} })).rejects.toThrow(CodecError);
});

it('goes together with kinds, batches, tenants, the last of several, holders, effects and adds that wait', async () => {
  const codec = aes(1);
  const queue = queueOf<unknown>({ codec, attempts: 1, retry: { within: 1_000 } });
  const plain = queueOf<unknown>();
  const last = { deduplicate: { key: 'd', within: 3_600_000, keep: 'last' } } as const;
  const { id } = await queue.add('first', last);
  await plain.add('plain', last);
  expect(await queue.get(id)).toMatchObject({ data: 'plain' });
  await queue.add('last', last);
  expect(await plain.get(id)).toMatchObject({ data: undefined, encoded: expect.any(String) });
  await queue.promote(id);
  await queue.guard.initialize();
  const holder = { token: 7, resource: 'r', issuer: 'i' };
  await queue.addMany([{ data: 'held', options: { tenant: 't' } }], { holder });
  await queue.add('refused', { id: 'refused', kind: 'k', expires: 60_000, retain: { age: 60_000 } });
  await client().set('{queue:q}:text', 'x');
  const seen: unknown[] = [];
  const worker = workerOf({
    queue,
    concurrency: 2,
    batch: {
      size: 2,
      wait: 20,
      handler: (tasks) => {
        for (const task of tasks) {
          seen.push(task.data);
          if (task.id === 'refused') task.effect('HSET', '{queue:q}:text', 'a', 'b');
        }
        return tasks.map(({ data, tenant, kind }) => ({ data, tenant, kind }));
      },
    },
  });
  await eventually(async () => (await queue.counts()).dead, 1);
  await eventually(async () => (await queue.counts()).completed, 2);
  await worker.stop();
  expect(seen.sort()).toEqual(['held', 'last', 'refused']);
  const letter = await queue.get('refused');
  expect(letter).toMatchObject({ data: 'refused', kind: 'k' });
  expect(letter?.errors?.at(-1)?.message).toMatch(/^Redis refused an effect: .*WRONGTYPE/);
  expect(await queue.requeueAll({ error: 'WRONGTYPE', filter: ({ data }) => data === 'refused' })).toBe(1);
  expect(await queue.get('refused')).toMatchObject({ state: 'waiting', data: 'refused', failed: 0 });
  expect(await queue.purge('waiting')).toBe(1);
  expect(await queue.wait(id)).toEqual({ data: 'last' });
});
