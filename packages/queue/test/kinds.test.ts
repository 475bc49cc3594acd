/** Several kinds of task in one queue, each with its schema and its handler; and two versions of a program side by side. */
import { MisuseError } from '@holdfast/kernel';
import { createWorker, defineKind, TaskFailedError, UnknownKindError } from '@holdfast/queue';
import { handleAll } from '@holdfast/queue/testing';
import { expect, expectTypeOf, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

/** Takes numbers, and gives their text. */
const text = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'number' ? { value: String(value) } : { issues: [{ message: 'no number' }] },
    types: undefined as { input: number; output: string } | undefined,
  },
} as const;

const double = defineKind('double', { schema: text, handler: async ({ data }) => ({ text: data + data }) });
const shout = defineKind('shout', {
  handler: ({ data }: { data: { word: string } }) => data.word.toUpperCase(),
});
const silent = defineKind('silent', { handler: () => {} });

it('gives each kind to its handler, and the result to whoever waits, by their types', async () => {
  const queue = queueOf();
  workerOf({ queue, kinds: [double, shout, silent] });
  const doubles = queue.kind(double);
  const { id } = await doubles.add(21);
  const doubled = await doubles.wait(id);
  expectTypeOf(doubled).toEqualTypeOf<{ text: string }>();
  expect(doubled).toEqual({ text: '2121' });
  const shouts = queue.kind(shout);
  const shouted = await shouts.wait((await shouts.add({ word: 'so' }, { priority: 3 })).id);
  expectTypeOf(shouted).toEqualTypeOf<string>();
  expect(shouted).toBe('SO');
  const nothing = await queue.kind(silent).wait((await queue.kind(silent).add(null)).id);
  expectTypeOf(nothing).toEqualTypeOf<null>();
  expect(nothing).toBeNull();
  // A program that only adds has the types without the handlers.
  const elsewhere = defineKind<{ word: string }, string>('shout');
  expectTypeOf(queue.kind(elsewhere).wait).returns.toEqualTypeOf<Promise<string>>();
  expectTypeOf(doubles.add).parameter(0).toEqualTypeOf<number>();
  expectTypeOf(queue.kind(elsewhere).add).parameter(0).toEqualTypeOf<{ word: string }>();
});

it('adds with options, many at once and by schedules, and tells of the kind', async () => {
  const queue = queueOf<unknown>();
  await queue.add(1, { id: 'a', kind: 'double', delay: 3_600_000 });
  const [plain] = await queue.addMany([{ data: 2, options: { kind: 'double' } }]);
  expect(await queue.get('a')).toMatchObject({ kind: 'double', state: 'delayed' });
  expect(await queue.get(plain?.id ?? '')).toMatchObject({ kind: 'double', state: 'waiting' });
  await queue.schedule('s', 3, { every: 3_600_000, kind: 'double' });
  await queue.runSchedule('s');
  const kinds: unknown[] = [];
  workerOf({ queue, handler: (task) => kinds.push([task.kind, task.data]) });
  await eventually(() => kinds.length, 2);
  expect(kinds).toEqual([
    ['double', 2],
    ['double', 3],
  ]);
});

it('checks the data by the schema of the kind, which stands for that of the queue', async () => {
  const never = {
    ...text,
    '~standard': { ...text['~standard'], validate: () => ({ issues: [{ message: 'no' }] }) },
  };
  const queue = queueOf<number>({ schema: never as never });
  await expect(queue.kind(double).add('x' as never)).rejects.toThrow(/no number/);
  const { id } = await queue.kind(double).add(1);
  workerOf({ queue, kinds: [double] });
  expect(await queue.kind(double).wait(id)).toEqual({ text: '11' });
});

it('a worker of the version before leaves what it does not know to others', async () => {
  const queue = queueOf<unknown>({ attempts: 1 });
  const errors: unknown[] = [];
  const before = workerOf({ queue, kinds: [shout], concurrency: 10, onError: (error) => errors.push(error) });
  const ids = await Promise.all([1, 2].map(async (data) => (await queue.kind(double).add(data)).id));
  const without = await queue.add('no kind');
  await eventually(async () => (await queue.counts()).delayed, 3);
  expect(errors).toHaveLength(2); // one for each kind
  expect(errors[0]).toBeInstanceOf(UnknownKindError);
  expect(errors).toContainEqual(expect.objectContaining({ kind: 'double', queue: 'q' }));
  before.pause(); // others are as likely to be given them
  workerOf({ queue, handler: ({ kind, data }) => `${kind} ${data}` });
  for (const id of [...ids, without.id]) {
    await eventually(() => queue.promote(id), 'ended' as const);
  }
  expect(await queue.wait(without.id)).toBe('undefined no kind');
  expect(await queue.get(ids[0] ?? '')).toMatchObject({ state: 'completed', attempt: 1 });
});

it('what nobody knows for an hour is a dead letter that says so, and begins anew when it is requeued', async () => {
  const queue = queueOf<unknown>({ attempts: 1 });
  const { id } = await queue.add(1, { id: 'x', kind: 'gone' });
  await client().hset(
    '{queue:q}:tasks',
    id,
    `0 0 \n{"d":1,"o":{"a":1,"j":"gone","u":${Date.now() - 3_600_001}}}`,
  );
  const worker = workerOf({ queue, kinds: [shout], onError: () => {} });
  const failed = await queue.wait(id).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(TaskFailedError);
  expect(String(failed)).toContain('no handler for the kind "gone"');
  expect(await queue.requeue(id)).toBe(true);
  await eventually(async () => (await queue.get(id))?.state, 'delayed' as const);
  await worker.stop();
});

it('refuses what cannot work', async () => {
  const queue = queueOf();
  for (const [wrong, says] of [
    [() => defineKind(''), /name of a kind/],
    [() => defineKind('x', { handler: 1 } as never), /handler/],
    [() => queue.kind({ name: 'x' } as never), /defineKind/],
    [() => createWorker({ queue, kinds: [] }), /list/],
    [() => createWorker({ queue, kinds: [defineKind('x')] }), /no handler/],
    [() => createWorker({ queue, kinds: [shout, shout] }), /twice/],
    [() => createWorker({ queue, kinds: [shout], handler: () => {} }), /give one/],
  ] as const) {
    expect(wrong).toThrow(MisuseError);
    expect(wrong).toThrow(says);
  }
  await expect(queue.add(1, { kind: '' })).rejects.toThrow(MisuseError);
});

it('handles all tasks of a test by their kinds, and says which kind has no handler', async () => {
  const queue = queueOf<unknown>();
  const { id } = await queue.kind(double).add(21, { delay: 3_600_000 });
  await queue.kind(shout).add({ word: 'so' });
  expect(await handleAll({ queue, kinds: [double, shout] })).toBe(2);
  expect(await queue.kind(double).wait(id)).toEqual({ text: '2121' });
  const wrong = await queue.add({ word: 'no number' }, { kind: 'double' });
  expect(await handleAll({ queue, kinds: [double] })).toBe(0); // the schema of the kind refuses it
  await expect(queue.wait(wrong.id)).rejects.toBeInstanceOf(TaskFailedError);
  await queue.add(1, { kind: 'whisper' });
  await expect(handleAll({ queue, kinds: [double, shout] })).rejects.toMatchObject({ kind: 'whisper' });
  for (const options of [{}, { handler: () => 1, kinds: [double] }, { kinds: [] }, { kinds: [shout.name] }])
    await expect(handleAll({ queue, ...(options as object) })).rejects.toMatchObject({
      code: 'HOLDFAST_MISUSE',
    });
});
