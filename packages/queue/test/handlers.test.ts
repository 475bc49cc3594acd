/** Whatever handlers, backoffs and schemas throw or return, the worker goes on and the task has an end. */
import { MisuseError } from '@holdfast/kernel';
import { type QueueEvent, ResultNotKeptError, type Task } from '@holdfast/queue';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const rejections: unknown[] = [];
const note = (reason: unknown): void => void rejections.push(reason);
beforeEach(() => {
  rejections.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  expect(rejections).toEqual([]);
});

const withField = (field: string, descriptor: PropertyDescriptor): Error =>
  Object.defineProperty(new Error('hidden'), field, descriptor);
const throwing = (): never => {
  throw new Error('by a getter');
};

const NONSENSE: Record<string, unknown> = {
  'no prototype': Object.create(null),
  'BigInt message': withField('message', { value: 5n }),
  'throwing message': withField('message', { get: throwing }),
  'stack that is no string': withField('stack', { value: { no: 'string' } }),
  'throwing stack': withField('stack', { get: throwing }),
  'throwing code': withField('code', { get: throwing }),
  'revoked proxy': (() => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  })(),
  symbol: Symbol('thrown'),
  nothing: undefined,
  null: null,
  'long text': 'x'.repeat(3_000_000),
  'long error': new Error('y'.repeat(3_000_000)),
};

it('a handler may throw anything: the attempt has failed, and says what is known in a few kilobytes', async () => {
  const queue = queueOf<string>({ attempts: 2, backoff: { type: 'constant', delay: 0 } });
  const names = Object.keys(NONSENSE);
  const added = await Promise.all(names.map((name) => queue.add(name)));
  const worker = workerOf({
    queue,
    concurrency: 3,
    handler: async ({ data }: Task<string>) => {
      throw NONSENSE[data];
    },
  });
  await eventually(async () => (await queue.counts()).dead, names.length);
  for (const { id } of added) {
    const { failed, errors = [] } = (await queue.get(id)) ?? {};
    expect(failed).toBe(2);
    expect(errors).toHaveLength(2);
    for (const { message, stack = '' } of errors) {
      expect(message.length).toBeGreaterThan(0);
      expect(message.length + stack.length).toBeLessThan(10_000);
    }
  }
  expect(worker.problem).toBeUndefined();
});

it('a schema that throws nonsense makes a dead letter', async () => {
  let isKind = true;
  const schema = {
    '~standard': {
      ...{ version: 1, vendor: 'test' },
      validate: (value: unknown) => {
        if (isKind) return { value };
        throw Object.create(null);
      },
    },
  } as const;
  const queue = queueOf<unknown>({ schema: schema as never, attempts: 1 });
  const { id } = await queue.add(1);
  isKind = false;
  workerOf({ queue, handler: () => {} });
  await eventually(async () => (await queue.get(id))?.state, 'dead' as const);
});

it('a schema that cannot tell, as when its database is away, is a failed attempt and is asked again', async () => {
  let asked = 0;
  const schema = {
    '~standard': {
      ...{ version: 1, vendor: 'test' },
      validate: async (value: unknown) => {
        asked += 1;
        if (asked === 2) throw new Error('no database');
        return asked === 3 ? Promise.reject(new Error('still none')) : { value };
      },
    },
  } as const;
  const backoff = { type: 'constant', delay: 1, jitter: 0 } as const;
  const queue = queueOf<number>({ schema: schema as never, backoff });
  const { id } = await queue.add(1);
  workerOf({ queue, handler: ({ data, attempt }: Task<number>) => ({ data, attempt }) });
  expect(await queue.wait(id)).toEqual({ data: 1, attempt: 3 });
});

it("a custom backoff that throws, or gives no number, leaves it to the queue's, and is reported", async () => {
  const queue = queueOf<string>({ backoff: { type: 'constant', delay: 3_600_000, jitter: 0 } });
  const wrong: Record<string, () => unknown> = {
    throws: () => {
      throw Object.create(null);
    },
    async: async () => 5,
    rejects: () => Promise.reject(new Error('later')),
    NaN: () => Number.NaN,
    text: () => '5',
    infinite: () => Number.POSITIVE_INFINITY,
    thenable: () => Object.defineProperty({}, 'then', { get: throwing }),
  };
  const names = Object.keys(wrong);
  await Promise.all(names.map((name) => queue.add(name)));
  const told: unknown[] = [];
  workerOf({
    queue,
    backoff: (_attempt, error) => wrong[(error as Error).message]?.() as number,
    onError: (error) => {
      told.push(error);
      throw new Error('of the report');
    },
    handler: ({ data }: Task<string>) => {
      throw new Error(data);
    },
  });
  await eventually(async () => (await queue.counts()).delayed, names.length);
  expect(told).toHaveLength(names.length);
  for (const error of told) {
    expect(error).toBeInstanceOf(MisuseError);
    expect((error as Error).message).toMatch(
      /^backoff is a function that returns .* The backoff that it overrides/,
    );
  }
  expect(() => workerOf({ queue, handler: () => {}, backoff: 5 as never })).toThrow(/backoff is a function/);
  expect(() => workerOf({ queue, handler: () => {}, onError: 5 as never })).toThrow(/onError is a function/);
});

it('a negative custom backoff is none', async () => {
  const queue = queueOf<string>({ attempts: 2, backoff: { type: 'constant', delay: 3_600_000 } });
  const { id } = await queue.add('x');
  workerOf({
    queue,
    backoff: () => -5,
    handler: ({ attempt }: Task<string>) => {
      if (attempt === 1) throw new Error('again');
      return attempt;
    },
  });
  expect(await queue.wait(id)).toBe(2);
});

it('what cannot be kept as a result completes the task without one, once, and whoever waits is told so', async () => {
  const results: Record<string, unknown> = {
    large: 'x'.repeat(2_000),
    BigInt: 5n,
    circular: (() => {
      const circle: { self?: unknown } = {};
      circle.self = circle;
      return circle;
    })(),
    function: () => {},
    'throws nonsense': {
      toJSON: () => {
        throw Object.create(null);
      },
    },
  };
  const queue = queueOf<string>({ maxBytes: 1_000 });
  const events: QueueEvent[] = [];
  const listening = new AbortController();
  const heard = (async () => {
    const all = { after: '0:0-0', signal: listening.signal }; // also what happens before it has connected
    for await (const event of queue.events(all)) events.push(event);
  })();
  const names = Object.keys(results);
  const added = await Promise.all(names.map((name) => queue.add(name, { key: name })));
  const before = added.map(({ id }) => queue.wait(id).catch((error: unknown) => error));
  const handled: string[] = [];
  const told: unknown[] = [];
  workerOf({
    queue,
    onError: (error) => void told.push(error),
    handler: ({ data }: Task<string>) => {
      handled.push(data);
      return results[data];
    },
  });
  for (const [index, { id }] of added.entries()) {
    const error = await before[index];
    expect(error).toBeInstanceOf(ResultNotKeptError);
    expect(error).toMatchObject({ code: 'HOLDFAST_RESULT_NOT_KEPT', queue: 'q', id });
    await expect(queue.wait(id)).rejects.toThrow(ResultNotKeptError);
    expect(await queue.get(id)).toMatchObject({ state: 'completed', result: undefined });
    expect((await queue.get(id))?.notKept).toMatch(/result/);
  }
  expect(handled).toEqual(names);
  expect(told).toHaveLength(names.length);
  expect(await queue.counts()).toMatchObject({ completed: names.length, dead: 0, delayed: 0 });
  expect((await queue.list('completed')).tasks[0]?.notKept).toMatch(/result/);
  await eventually(() => events.filter(({ kind }) => kind === 'completed').length, names.length);
  expect(events[0]).toMatchObject({ notKept: expect.stringMatching(/2002 bytes, and 1000 are the most/) });
  listening.abort();
  await heard;
});
