/** Which runs begin, when, and where, through the public API on a real server. */
import { defineWorkflow, RunCancelledError } from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

/** A workflow of which a test sees what begins, and lets it end. */
function gated(name = 'gated') {
  const begun: string[] = [];
  const flow = defineWorkflow({ name }, async (ctx, id: string) => {
    await ctx.step('begin', () => void begun.push(id));
    await ctx.receive('go');
    return id;
  });
  return { flow, begun };
}

it('begins runs of higher priority first, and delayed ones when their time has come', async () => {
  const order: string[] = [];
  const flow = defineWorkflow({ name: 'order' }, async (ctx, id: string) =>
    ctx.step('note', () => order.push(id)),
  );
  const app = appOf([flow]);
  const starts = { low: 0, high: 9, middle: 5 };
  const runs = [];
  for (const [id, priority] of Object.entries(starts)) runs.push(await app.start(flow, id, { id, priority }));
  const delayed = await app.start(flow, 'delayed', { id: 'delayed', delay: 200 });
  expect(await delayed.status()).toEqual({ status: 'delayed', reason: undefined });
  app.work({ concurrency: 1 });
  for (const run of [...runs, delayed]) await run.result();
  expect(order).toEqual(['high', 'middle', 'low', 'delayed']);
});

it('lets runs of one key go on one at a time, also while the first sleeps', async () => {
  const { flow, begun } = gated();
  const app = appOf([flow]);
  app.work();
  const one = await app.start(flow, 'one', { id: 'one', key: 'a b/c' });
  const two = await app.start(flow, 'two', { id: 'two', key: 'a b/c' });
  const three = await app.start(flow, 'three', { id: 'three', key: 'a b/c' });
  await eventually(async () => (await one.status()).status, 'sleeping');
  expect(await two.status()).toMatchObject({ status: 'waiting' });
  expect(await two.cancel('not needed')).toBe(true);
  await expect(two.result()).rejects.toThrow(RunCancelledError);
  expect(begun).toEqual(['one']);
  await one.send('go');
  await three.send('go');
  expect(await three.result()).toBe('three');
  expect(begun).toEqual(['one', 'three']);
});

it('ends a run that has expired, and one that is cancelled before it begins, by a worker without its definition', async () => {
  const { flow } = gated('rare');
  const other = defineWorkflow({ name: 'other' }, async () => 1);
  const app = appOf([flow]);
  const expired = await app.start(flow, 'x', { expires: new Date(Date.now() + 50) });
  const cancelled = await app.start(flow, 'y', { delay: 3_600_000 });
  await cancelled.cancel('changed my mind');
  appOf([other]).work();
  await expect(expired.result()).rejects.toMatchObject({ code: 'HOLDFAST_RUN_CANCELLED', reason: 'expired' });
  await expect(cancelled.result()).rejects.toMatchObject({ reason: 'changed my mind' });
  expect((await expired.history()).map(({ kind }) => kind)).toEqual(['header', 'end']);
});

it('owns what it runs from the start, while it has room', async () => {
  const flow = defineWorkflow({ name: 'own' }, async (ctx, n: number) => ctx.step('double', () => 2 * n));
  const app = appOf([flow]);
  const worker = app.work({ concurrency: 5 });
  await eventually(() => worker.problem, undefined);
  const results = await Promise.all(Array.from({ length: 50 }, (_, n) => app.run(flow, n)));
  expect(results).toEqual(Array.from({ length: 50 }, (_, n) => 2 * n));
  await worker.stop();
  expect(worker.inFlight).toBe(0);
});

it('lets only workers of the same or a higher build go on with a run', async () => {
  const ran: string[] = [];
  const build = (number: number) =>
    defineWorkflow({ name: 'built', build: number }, async (ctx) => {
      await ctx.step('first', () => void ran.push(`first ${number}`));
      await ctx.receive('go');
      return ctx.step('second', () => number);
    });
  const [one, two] = [build(1), build(2)];
  const newer = appOf([two]);
  const worker = newer.work();
  const run = await newer.start(two, null, { id: 'r' });
  await eventually(async () => (await run.status()).status, 'sleeping');
  await worker.stop();
  const older = appOf([one]);
  older.work();
  await run.send('go');
  const another = await older.start(one, null, { id: 's' });
  await eventually(async () => (await another.status()).status, 'sleeping');
  expect(await run.status()).toMatchObject({ status: 'waiting' });
  newer.work();
  expect(await run.result()).toBe(2);
  expect(ran).toEqual(['first 2', 'first 1']);
});

it('leaves a run that its code contradicts to workers of a higher build, where there are any', async () => {
  const first = (name: string, build: number) =>
    defineWorkflow({ name: 'changed', build }, async (ctx) => {
      await ctx.step(name, () => 1);
      await ctx.receive('go');
      return build;
    });
  const [one, other, newest] = [first('same', 0), first('another', 1), first('same', 2)];
  const begins = appOf([one]);
  const worker = begins.work();
  const run = await begins.start(one, null, { id: 'r' });
  await eventually(async () => (await run.status()).status, 'sleeping');
  await worker.stop();
  const newer = appOf([newest]);
  const newestWorker = newer.work();
  await eventually(() => client().hget('{wf:test.0}:meta', 'build:changed'), '2');
  await newestWorker.stop();
  const wrong = appOf([other]);
  wrong.work();
  await run.send('go');
  await eventually(async () => (await client().hget('{wf:test.0}:live', 'changed/r/r'))?.split(':')[2], '2');
  expect(await run.status()).toMatchObject({ status: 'waiting' });
  newer.work();
  expect(await run.result()).toBe(2);
});

it('keeps a run that has slept before its first step for the build that has begun it', async () => {
  const of = (build: number) =>
    defineWorkflow({ name: 'pinned', build, pinned: true }, async (ctx) => {
      await ctx.receive('go');
      return build;
    });
  const [one, two] = [of(1), of(2)];
  const first = appOf([one]);
  const worker = first.work();
  const run = await first.start(one, null);
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  await worker.stop();
  const second = appOf([two]);
  second.work();
  await run.send('go', null);
  const other = await second.start(two, null, { id: 'other' });
  await other.send('go', null);
  expect(await other.result()).toBe(2); // so the second build has looked for runs
  first.work();
  expect(await run.result()).toBe(1);
});

it('lets a stuck run go on once a worker has a higher build', async () => {
  const of = (build: number, name: string) =>
    defineWorkflow({ name: 'mended', build }, async (ctx) => {
      await ctx.step(name, () => build);
      return ctx.receive('go').then(() => build);
    });
  const [right, wrong, mended] = [of(1, 'first'), of(2, 'second'), of(3, 'first')];
  const app = appOf([right]);
  const before = app.work();
  const run = await app.start(right, null);
  await eventually(async () => (await run.status()).status, 'sleeping');
  await before.stop();
  const worker = appOf([wrong]).work();
  await run.send('go');
  await eventually(async () => (await run.status()).status, 'stuck');
  expect(await run.status()).toMatchObject({ reason: expect.stringContaining('first') });
  await worker.stop();
  appOf([mended]).work();
  await eventually(async () => (await run.status()).status, 'completed');
  expect(await run.result()).toBe(3);
});

it('says which run waits for a worker that there is not', async () => {
  const of = (build: number) =>
    defineWorkflow({ name: 'newer', build }, async (ctx) => {
      await ctx.step('first', () => build);
      return ctx.receive('go');
    });
  const [old, newer] = [of(1), of(2)];
  const app = appOf([newer]);
  const run = await app.start(newer, null);
  expect(await run.status()).toEqual({ status: 'waiting', reason: 'no worker has "newer"' });
  expect(await app.demand()).toMatchObject({ newer: { waiting: 1, unserved: 1 } });
  const worker = app.work();
  await eventually(async () => (await run.status()).status, 'sleeping');
  expect(await app.demand()).toMatchObject({ newer: { waiting: 0, unserved: 0 } });
  await worker.stop();
  await run.send('go', 'gone');
  const reason = 'no worker has "newer" in build 2 or a higher one';
  const behind = appOf([old]).work({ lease: 300 });
  await eventually(() => run.status(), { status: 'waiting', reason });
  expect(await app.demand()).toMatchObject({ newer: { waiting: 1, unserved: 1 } });
  const problem = 'runs of "newer" wait for build 2, which no worker has; this one has build 1';
  await eventually(() => behind.problem, problem);
  app.work();
  expect(await run.result()).toBe('gone');
  await eventually(() => behind.problem, undefined);
});
