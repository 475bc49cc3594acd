/** Users' data behind a codec: what lies in Redis, keys that change while runs go on, and what cannot be decoded. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readOptions, seededRandom } from '@holdfast/kernel';
import {
  type Codec,
  CodecError,
  defineWorkflow,
  NonRetryableError,
  openWorkflows,
  type Workflows,
} from '@holdfast/workflow';
import { expect, it, vi } from 'vitest';
import { type AnyWorkflow, APP } from '../src/client/options.js';
import { App } from '../src/client/workflows.js';
import { codedStore } from '../src/store/coded-store.js';
import { MemoryPartition } from '../src/store/memory-partition.js';
import { MemoryStore } from '../src/store/memory-store.js';
import { settle } from '../src/testing/test-workflows.js';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import { appOf, client, eventually, later, url, useRedis } from './setting.js';

useRedis();

const KEYS = new Map([1, 2].map((number) => [number, randomBytes(32)]));

/** AES-GCM under the last of these keys; reads all of them. */
function encryption(...numbers: readonly number[]): Codec {
  const own = numbers.at(-1) as number;
  const keyOf = (number = 0): Buffer => {
    const key = numbers.includes(number) ? KEYS.get(number) : undefined;
    if (key === undefined) throw new Error(`there is no key ${number} here`);
    return key;
  };
  return {
    encode(bytes, { owner }) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keyOf(own), iv).setAAD(Buffer.from(owner));
      const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
      return Buffer.concat([Buffer.of(own), iv, cipher.getAuthTag(), text]);
    },
    async decode(bytes, { owner }) {
      const cipher = createDecipheriv('aes-256-gcm', keyOf(bytes[0]), bytes.subarray(1, 13));
      cipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(13, 29));
      return Buffer.concat([cipher.update(bytes.subarray(29)), cipher.final()]);
    },
  };
}

/** All that a server has, as text. */
async function contents(): Promise<string> {
  const redis = client();
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => redis.get(key),
    list: (key) => redis.lrange(key, 0, -1),
    hash: (key) => redis.hgetall(key),
    zset: (key) => redis.zrange(key, '0', '-1'),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map(async (key) => read[await redis.type(key)]?.(key)));
  return JSON.stringify([keys, values]);
}

it('keeps all that users say out of Redis, and gives it back as it was', async () => {
  const child = defineWorkflow({ name: 'child' }, async (_, input: string) => `${input} secret`);
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, input: { text: string }) => {
    ctx.state.set({ state: 'secret state' });
    const first = await ctx.step(
      'first',
      async (step) => {
        await step.checkpoint('secret checkpoint');
        await step.stream('out').write('secret chunk');
        if (step.attempt === 1) throw new Error('secret failure');
        return `secret of ${step.checkpointed}`;
      },
      { backoff: { type: 'constant', delay: 1 }, cache: { key: 'k', ttl: 60_000 } },
    );
    const asked = await ctx.receiveMessage<string>('ask');
    asked?.reply('secret reply');
    const made = await ctx.child(child, 'secret input');
    const failed = await ctx
      .step('fails', () => {
        throw new NonRetryableError('secret reason');
      })
      .catch((error: Error) => error.message);
    const last = await ctx.loop('secret loop', async (c, state) => ({
      done: await c.step('last', () => state),
    }));
    return { input, first, made, failed, last };
  });
  const app = appOf([flow, child], { codec: encryption(1) });
  app.work();
  const run = await app.start(flow, { text: 'secret' }, { id: 'one' });
  expect(await run.ask('ask', 'secret question')).toBe('secret reply');
  expect(await run.result()).toEqual({
    input: { text: 'secret' },
    first: 'secret of secret checkpoint',
    made: 'secret input secret',
    failed: expect.stringContaining('secret reason'),
    last: 'secret loop',
  });
  expect(await run.state()).toEqual({ state: 'secret state' });
  const chunks: unknown[] = [];
  for await (const item of run.stream('out')) if (item.kind === 'chunk') chunks.push(item.chunk);
  expect(chunks).toEqual(['secret chunk']);
  const history = await run.history();
  expect(history).toContainEqual(
    expect.objectContaining({ kind: 'message', name: 'ask', payload: 'secret question' }),
  );
  await app.schedule('daily', flow, { text: 'secret' }, { every: 3_600_000 });
  const next = (await app.schedules())[0]?.next;
  await new Promise((resolve) => setTimeout(resolve, 2));
  await app.schedule('daily', flow, { text: 'secret' }, { every: 3_600_000 });
  expect(await app.schedules()).toMatchObject([{ name: 'daily', input: { text: 'secret' }, next }]);
  const kept = await contents();
  expect(kept).not.toMatch('secret');
  for (const name of ['first', 'flow/one/one', 'daily']) expect(kept).toContain(name);
});

it('says why a run is stuck or has failed or was terminated to those who can decode it', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, how: string) => {
    ctx.compensate('undo', () => {
      throw new NonRetryableError('secret undo');
    });
    if (how === 'wait') await ctx.receive('never');
    throw new NonRetryableError('secret failure');
  });
  const app = appOf([flow], { codec: encryption(1) });
  app.work();
  const events = app.events({ after: 'oldest' })[Symbol.asyncIterator]();
  const run = await app.start(flow, 'fail', { id: 'one' });
  await expect(run.result()).rejects.toThrow('secret undo');
  expect(await run.status()).toMatchObject({
    status: 'stuck',
    reason: expect.stringContaining('secret undo'),
  });
  expect((await events.next()).value).toMatchObject({ kind: 'started' });
  expect((await events.next()).value).toMatchObject({ reason: expect.stringContaining('secret undo') });
  const other = await app.start(flow, 'wait', { id: 'two' });
  await eventually(async () => (await other.status()).status, 'sleeping');
  expect(await other.terminate('secret order')).toBe(true);
  await expect(other.result()).rejects.toThrow('secret order');
  expect(await contents()).not.toMatch('secret');
  const operated = await openWorkflows({ redis: url(), name: 'test', codec: encryption(1) });
  later(() => operated.close());
  expect(await operated.get('flow', 'two').status()).toMatchObject({ reason: 'secret order' });
  const blind = appOf([flow], { codec: encryption(2) });
  expect(await blind.get(flow, 'one').status()).toMatchObject({
    status: 'stuck',
    reason: expect.stringContaining('there is no key 1 here'),
  });
  await events.return?.();
});

it('tells whoever cannot decode what is kept, with and without a codec', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, input: string) => {
    ctx.state.set(input);
    return ctx.step('first', (step) => step.stream('out').write(input));
  });
  const app = appOf([flow], { codec: encryption(1) });
  const worker = app.work();
  await app.run(flow, 'x', { id: 'over' });
  await worker.stop();
  const waiting = await app.start(flow, 'y', { id: 'waits' });
  const others: readonly (Codec | undefined)[] = [encryption(2), undefined];
  for (const codec of others) {
    const blind = appOf([flow], codec ? { codec } : {});
    const run = blind.get(flow, 'over');
    const reading = run.stream('out')[Symbol.asyncIterator]();
    const calls = [run.result(), run.status(), run.state(), run.history(), reading.next()];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'HOLDFAST_CODEC' } });
    }
    const told: unknown[] = [];
    const blindWorker = blind.work({ onError: (error) => told.push(error) });
    await expect.poll(() => blindWorker.problem).toMatch(/cannot decode.* flow\/waits\/waits: .*codec/i);
    await eventually(async () => (await waiting.status()).status, 'delayed');
    expect(told).toEqual([expect.any(CodecError)]);
    await blind.close();
    // As if the 5 s were over.
    await client().zadd('{wf:test.0}:due', 1, 'flow/waits/waits');
  }
  app.work();
  expect(await waiting.result()).toBe(undefined);
});

it('takes nothing that its codec makes up for what was kept', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, input: string) => {
    ctx.state.set(input);
    return ctx.step('first', (step) => step.stream('out').write(input));
  });
  const { encode, decode } = encryption(1);
  const app = appOf([flow], { codec: { encode, decode } });
  const worker = app.work();
  await app.run(flow, 'x', { id: 'over' });
  await worker.stop();
  const waiting = await app.start(flow, 'y', { id: 'waits' });
  // As a key that is wrong does, where nothing authenticates what it decodes.
  for (const nonsense of [Buffer.from('{nonsense'), Buffer.alloc(0), 'text', { length: 3 }, undefined]) {
    const wrong = appOf([flow], { codec: { encode, decode: () => nonsense as Buffer } });
    const run = wrong.get(flow, 'over');
    const reading = run.stream('out')[Symbol.asyncIterator]();
    for (const call of await Promise.allSettled([run.result(), run.state(), run.history(), reading.next()]))
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'HOLDFAST_CODEC' } });
    const wrongWorker = wrong.work({ onError: () => {} });
    await expect
      .poll(() => wrongWorker.problem)
      .toMatch(/cannot decode.* flow\/waits\/waits: .*did not give/);
    await eventually(async () => (await waiting.status()).status, 'delayed');
    await wrong.close();
    // As if the 5 s were over.
    await client().zadd('{wf:test.0}:due', 1, 'flow/waits/waits');
  }
});

it('reads what was kept before the app had a codec, and refuses what is none', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, input: string) => {
    const first = await ctx.step('first', () => input);
    return [first, await ctx.receive('go')];
  });
  const plain = appOf([flow]);
  const worker = plain.work();
  const run = await plain.start(flow, '~x', { id: 'one' });
  await eventually(async () => (await run.status()).status, 'sleeping');
  await worker.stop();
  const app = appOf([flow], { codec: encryption(1) });
  app.work();
  await app.get(flow, 'one').send('go', '~y');
  expect(await app.get(flow, 'one').result()).toEqual(['~x', '~y']);
  // biome-ignore lint/suspicious/noExplicitAny: what programs in JavaScript may give.
  for (const codec of [{}, 'gzip', { encode: () => 1 }] as any[])
    expect(() => appOf([flow], { codec })).toThrow('an object with encode, decode');
  const broken = appOf([flow], { codec: { encode: () => 'text' as never, decode: (bytes) => bytes } });
  await expect(broken.start(flow, 'x')).rejects.toThrow('encode did not give a Uint8Array');
});

/** Apps in memory, with time that passes at once. */
function world(flow: AnyWorkflow): {
  readonly until: <T>(work: Promise<T>) => Promise<T>;
  readonly clock: VirtualClock;
  readonly app: (codec: Codec, seed: number) => Workflows;
} {
  const clock = new VirtualClock();
  const partition = new MemoryPartition(clock);
  return {
    clock,
    until: (work) => settle(clock, work, 1e9),
    app: (codec, seed) => {
      const settings = readOptions('test', { workflows: [flow], clock, random: seededRandom(seed) }, APP);
      return new App([codedStore(new MemoryStore(clock, partition), codec, clock)], settings);
    },
  };
}

it('lets runs go on while one key follows another', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, n: number) => {
    let sum = n;
    for (let pass = 0; pass < 5; pass += 1) {
      sum += await ctx.step('add', () => pass);
      await ctx.sleep(60_000);
    }
    return sum;
  });
  const { until, clock, app } = world(flow);
  const lease = 20_000;
  const client = app(encryption(1, 2), 1);
  const told: unknown[] = [];
  const old = app(encryption(1), 2).work({ lease, onError: (error) => told.push(error) });
  // Begun under the first key, the second not known everywhere yet.
  const first = await until(app(encryption(1), 3).start(flow, 0));
  await clock.pass(90_000);
  const second = await until(client.start(flow, 10));
  await clock.pass(30_000);
  expect(told).toEqual([expect.any(CodecError)]);
  const between = app(encryption(2, 1), 4).work({ lease });
  const results = await until(Promise.all([first, second].map(({ id }) => client.get(flow, id).result())));
  expect(results).toEqual([10, 20]);
  expect(between.problem).toBe(undefined);
  await until(Promise.all([old.stop(), between.stop()]));
  // At last, the first key is needed by what is over only.
  const last = app(encryption(2), 5);
  last.work({ lease });
  expect(await until(last.run(flow, 20))).toBe(30);
  await expect(until(last.get(flow, first.id).history())).rejects.toThrow('there is no key 1 here');
});

it('gives back what it cannot decode for 5 s at a time, and takes it once it can', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, n: number) => ctx.step('one', () => n));
  const { until, clock, app } = world(flow);
  let isKnown = false;
  const claimed: number[] = [];
  const codec = encryption(1);
  const worker = app(
    {
      ...codec,
      decode: (bytes, context) => {
        if (claimed.at(-1) !== clock.now()) claimed.push(clock.now());
        if (!isKnown) throw new Error('no key yet');
        return codec.decode(bytes, context);
      },
    },
    1,
  ).work({ lease: 86_400_000, onError: () => {} });
  const run = await until(app(codec, 2).start(flow, 7));
  await clock.pass(13_000);
  expect(worker.problem).toContain('no key yet');
  const pauses = claimed.slice(1).map((at, index) => at - (claimed[index] ?? 0));
  expect(pauses.map((ms) => Math.round(ms / 1_000))).toEqual([6, 6]);
  isKnown = true;
  expect(await until(run.result())).toBe(7);
  expect(worker.problem).toBe(undefined);
});

it.each(['decode', 'encode'] as const)(
  'waits for no %s for ever, and goes on once it answers',
  async (verb) => {
    const flow = defineWorkflow({ name: 'flow' }, async (ctx, n: number) => ctx.step('one', () => n));
    const { until, clock, app } = world(flow);
    const codec = encryption(1);
    let answers = false;
    const silent: Codec = {
      ...codec,
      [verb]: (...call: Parameters<Codec['encode']>) =>
        answers ? codec[verb](...call) : new Promise(() => {}),
    };
    const told = vi.fn();
    const worker = app(silent, 1).work({ lease: 86_400_000, onError: told });
    const run = await until(app(codec, 2).start(flow, 7));
    await clock.pass(60_000);
    expect(worker.problem).toContain('has not answered for 10 s');
    expect(told).toHaveBeenCalledTimes(1);
    answers = true;
    expect(await until(run.result())).toBe(7);
    await clock.pass(1);
    expect(worker.problem).toBe(undefined);
  },
);

it('hands over no record of a page before all of it are decoded', async () => {
  let open = 0;
  const seen: number[] = [];
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    for (let n = 0; n < 20; n += 1) {
      seen.push(open);
      await ctx.step('n', () => n);
    }
    await ctx.receive('go');
    return Promise.all([0, 1, 2].map((n) => ctx.step('at once', () => n)));
  });
  const slow: Codec = {
    encode: (bytes) => bytes,
    decode: async (bytes) => {
      open += 1;
      // The earlier ones last longer.
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, 5 - open)));
      open -= 1;
      return bytes;
    },
  };
  const app = appOf([flow], { codec: slow });
  const worker = app.work();
  const run = await app.start(flow, null);
  await eventually(async () => (await run.status()).status, 'sleeping');
  await worker.stop();
  seen.length = 0;
  appOf([flow], { codec: slow }).work();
  await run.send('go');
  expect(await run.result()).toEqual([0, 1, 2]);
  expect(seen).toHaveLength(20);
  expect(Math.max(...seen)).toBe(0);
});

it('tries a commit again whose data could not be encoded for a while', async () => {
  let failures = 5;
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => ctx.step('one', () => 'done'));
  const codec = encryption(1);
  const app = appOf([flow], { codec });
  const run = await app.start(flow, null);
  const told = vi.fn();
  const failing: Codec = {
    ...codec,
    encode: (bytes, context) => {
      failures -= 1;
      if (failures >= 0) throw new Error('no service of keys');
      return codec.encode(bytes, context);
    },
  };
  const worker = appOf([flow], { codec: failing }).work({ onError: told });
  await expect.poll(() => worker.problem, { interval: 5 }).toContain('no service of keys');
  expect(await run.result()).toBe('done');
  await expect.poll(() => worker.problem).toBe(undefined);
  expect(told).toHaveBeenCalledTimes(1);
  expect(told.mock.calls[0]?.[0]).toMatchObject({ code: 'HOLDFAST_CODEC' });
});
