/** What operators see of runs and do to them, through the public API on a real server. */
import { defineWorkflow, MisuseError, type RunInfo } from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

const wait = defineWorkflow({ name: 'wait' }, async (ctx) => ctx.receive('go'));
const bad = defineWorkflow({ name: 'bad' }, async () => Promise.reject(new Error('broken')));

it('lists runs of all partitions by workflow, state and time, and counts them', async () => {
  const app = appOf([wait, bad], { partitions: 3 });
  app.work();
  const runs = await Promise.all(
    Array.from({ length: 30 }, (_, n) => app.start(wait, null, { id: `w${n}` })),
  );
  const failing = await app.start(bad, null, { id: 'b', key: 'k' });
  await failing.result().catch(() => {});
  await eventually(() => app.counts(wait).then(({ sleeping }) => sleeping), 30);
  const sleeping: RunInfo[] = [];
  for await (const info of app.list({ workflow: wait, state: 'sleeping' })) sleeping.push(info);
  expect(sleeping.map(({ id }) => id).sort()).toEqual(runs.map(({ id }) => id).sort());
  const failed: RunInfo[] = [];
  for await (const info of app.list({ state: 'failed', from: 1, to: Date.now() + 3_600_000 }))
    failed.push(info);
  expect(failed).toMatchObject([{ workflow: 'bad', id: 'b', key: 'k', state: 'failed' }]);
  for await (const info of app.list({ to: 1 })) throw new Error(`got ${info.id}`);
  expect(await app.counts()).toMatchObject({ sleeping: 30, failed: 1, completed: 0 });
});

it('lists runs page by page, over all partitions and whatever becomes of them meanwhile', async () => {
  const app = appOf([wait, bad], { partitions: 3 });
  const ids = Array.from({ length: 100 }, (_, n) => `w${n}`);
  await Promise.all(ids.map((id) => app.start(wait, null, { id })));
  for (let n = 0; n < 30; n += 1) await app.start(bad, null, { id: `b${n}` });
  const seen: string[] = [];
  let [after, pages] = [undefined as string | undefined, 0];
  do {
    const { runs, next } = await app.page({ workflow: wait, limit: 9, after });
    expect(runs.length).toBeLessThan(20);
    seen.push(...runs.map(({ id }) => id));
    after = next;
    await app.get(wait, seen.at(-1) ?? '').terminate();
    await app.start(wait, null, { id: `later${pages}` });
    pages += 1;
  } while (after !== undefined && pages < 100);
  expect(ids.filter((id) => !seen.includes(id))).toEqual([]);
  const failed = await app.page({ state: 'failed' });
  expect(failed).toEqual({ runs: [], next: undefined });
  for (const wrong of ['7.live.0', '0.live', 'x', '0.over.0x'])
    await expect(app.page({ state: 'waiting', after: wrong })).rejects.toThrow('Begin without one');
  await expect(app.page({ limit: 0 })).rejects.toThrow(MisuseError);
});

it('cancels, terminates and purges many runs, and says how far it is', async () => {
  const app = appOf([wait]);
  app.work();
  for (let n = 0; n < 5; n += 1) await app.start(wait, null, { id: `${n}` });
  await eventually(() => app.counts().then(({ sleeping }) => sleeping), 5);
  await app.get(wait, '0').terminate('no more');
  expect(await app.get(wait, '0').status()).toEqual({ status: 'cancelled', reason: 'no more' });
  const progress: number[] = [];
  const done = await app.cancelMany({
    workflow: wait,
    state: 'sleeping',
    onProgress: (at) => progress.push(at.done),
  });
  expect(done).toEqual({ done: 4, passed: 0 });
  expect(progress).toEqual([4]);
  await eventually(() => app.counts().then(({ cancelled }) => cancelled), 5);
  expect(await app.purge({ state: 'cancelled' })).toEqual({ done: 5, passed: 0 });
  expect(await app.counts()).toMatchObject({ cancelled: 0, sleeping: 0 });
  const left = await client().keys('*:[js]:*');
  expect(left).toEqual([]);
});

it('ends what is done to many runs with what onProgress throws; what was done stays done', async () => {
  const app = appOf([wait]);
  for (let n = 0; n < 70; n += 1) await app.start(wait, null, { id: `${n}` });
  const onProgress = () => {
    throw new Error('enough');
  };
  await expect(app.terminateMany({ state: 'waiting', onProgress })).rejects.toThrow('enough');
  expect(await app.counts()).toMatchObject({ cancelled: 64, waiting: 6 });
  expect(await app.terminateMany({ state: 'waiting' })).toEqual({ done: 6, passed: 0 });
});

it('erases with a run what it had before a retry and before it went on with another input', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, n: number): Promise<number> => {
    await ctx.step('write', (step) => step.stream('out').write(n));
    if (n < 2) return ctx.continueAs(n + 1);
    throw new Error('broken');
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 0);
  await run.result().catch(() => {});
  expect(await run.retry({ from: 'write' })).toBe(true);
  await run.result().catch(() => {});
  expect(await client().keys('*:[jcw]:*')).toHaveLength(12);
  expect(await run.purge()).toBe(true);
  expect(await client().keys('*:[jscw]:*')).toEqual([]);
});

it('terminates runs that nobody serves, and lets others of their key begin', async () => {
  const app = appOf([wait]);
  const one = await app.start(wait, null, { id: 'one', key: 'k' });
  const two = await app.start(wait, null, { id: 'two', key: 'k' });
  expect(await app.terminateMany({ workflow: wait, state: 'waiting', reason: 'gone' })).toEqual({
    done: 2,
    passed: 0,
  });
  await expect(one.result()).rejects.toMatchObject({ reason: 'gone' });
  await expect(two.result()).rejects.toMatchObject({ reason: 'gone' });
  const three = await app.start(wait, null, { id: 'three', key: 'k' });
  app.work();
  await three.send('go', 3);
  expect(await three.result()).toBe(3);
});

it('ends nothing by a filter that is none', async () => {
  const app = appOf([wait]);
  const run = await app.start(wait, null);
  for (const options of [0, null, { workflow: null }, { workflow: 0 }]) {
    await expect((async () => app.terminateMany(options as never))()).rejects.toThrow(MisuseError);
    await expect((async () => app.cancelMany(options as never))()).rejects.toThrow(MisuseError);
  }
  expect((await run.status()).status).toBe('waiting');
});
