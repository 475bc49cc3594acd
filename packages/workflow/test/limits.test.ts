/** Limits and pauses of workflows, through the public API on a real server. */
import { defineWorkflow, MisuseError, RunsFullError } from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

it('refuses what is too much, with the time after which to try again', async () => {
  const flow = defineWorkflow({ name: 'full', limits: { waiting: 2 } }, async (_, n: number) => n);
  const app = appOf([flow]);
  const runs = [await app.start(flow, 1), await app.start(flow, 2)];
  const refused = await app.start(flow, 3).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RunsFullError);
  expect(refused).toMatchObject({ code: 'HOLDFAST_RUNS_FULL', workflow: 'full', max: 2 });
  expect((refused as RunsFullError).retryAfter).toBeGreaterThan(0);
  app.work();
  expect(await Promise.all(runs.map((run) => run.result()))).toEqual([1, 2]);
  expect(await app.run(flow, 3)).toBe(3);
});

it('refuses a fork that is too much, and declares limits for it that a server has forgotten', async () => {
  const flow = defineWorkflow({ name: 'forked', limits: { waiting: 1 } }, async (_, n: number) => n);
  const app = appOf([flow]);
  const run = await app.start(flow, 1);
  await expect(run.fork()).rejects.toMatchObject({ code: 'HOLDFAST_RUNS_FULL', workflow: 'forked', max: 1 });
  const worker = app.work();
  expect(await run.result()).toBe(1);
  await worker.stop();
  await client().del('{wf:test.0}:limits');
  const fork = await run.fork();
  await expect(run.fork()).rejects.toThrow(RunsFullError);
  app.work();
  expect(await fork.result()).toBe(1);
});

it('keeps to a concurrency over several workers, and ends all', async () => {
  let [now, most] = [0, 0];
  const flow = defineWorkflow({ name: 'few', limits: { concurrency: 3 } }, async (ctx, n: number) =>
    ctx.step('count', async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now -= 1;
      return n;
    }),
  );
  const app = appOf([flow]);
  for (const each of [appOf([flow]), appOf([flow])]) each.work();
  const results = await Promise.all(Array.from({ length: 40 }, (_, n) => app.run(flow, n)));
  expect(results).toHaveLength(40);
  expect(most).toBeLessThanOrEqual(3);
});

it('tells whoever declares other limits under the same version, and takes those of a higher one', async () => {
  const one = defineWorkflow({ name: 'limited', limits: { concurrency: 3 } }, async () => 1);
  const other = defineWorkflow({ name: 'limited', limits: { concurrency: 4 } }, async () => 1);
  const newer = defineWorkflow({ name: 'limited', limits: { version: 2, concurrency: 4 } }, async () => 1);
  await appOf([one]).start(one, null);
  await expect(appOf([other]).start(other, null)).rejects.toThrow(MisuseError);
  const refused = appOf([other]);
  const worker = refused.work({ onError: () => {} });
  await eventually(() => worker.problem?.includes('"concurrency":4'), true);
  const app = appOf([newer]);
  app.work();
  expect(await app.run(newer, null)).toBe(1);
});

it('declares its limits again to a server that has forgotten them', async () => {
  const flow = defineWorkflow({ name: 'forgotten', limits: { waiting: 1 } }, async () => 1);
  const app = appOf([flow]);
  await app.start(flow, null);
  await client().flushall();
  await app.start(flow, null);
  await expect(app.start(flow, null)).rejects.toThrow(RunsFullError);
});

it('begins nothing of a workflow while it is paused', async () => {
  const flow = defineWorkflow({ name: 'paused' }, async (ctx) => {
    await ctx.receive('go');
    return 'gone';
  });
  const app = appOf([flow]);
  app.work();
  const before = await app.start(flow, null);
  await eventually(async () => (await before.status()).status, 'sleeping');
  await app.pause(flow);
  const after = await app.start(flow, null);
  await before.send('go');
  await after.send('go');
  expect(await before.status()).toMatchObject({ status: 'waiting' });
  expect(await after.status()).toMatchObject({ status: 'waiting' });
  await app.resume(flow);
  expect(await before.result()).toBe('gone');
  expect(await after.result()).toBe('gone');
});

it('shares limits among the partitions of an app, and refuses those that leave one without', async () => {
  const flow = defineWorkflow({ name: 'shared', limits: { waiting: 4 } }, async () => 1);
  const app = appOf([flow], { partitions: 4 });
  const started = await Promise.allSettled(Array.from({ length: 40 }, () => app.start(flow, null)));
  expect(started.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  const small = defineWorkflow({ name: 'small', limits: { waiting: 3 } }, async () => 1);
  await expect(appOf([small], { partitions: 4 }).start(small, null)).rejects.toThrow('at least 4');
});

it('keeps to one concurrency and one rate over all partitions and workers', async () => {
  let [now, most] = [0, 0];
  const few = defineWorkflow({ name: 'few', limits: { concurrency: 4 } }, (ctx) =>
    ctx.step('count', async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now -= 1;
    }),
  );
  const rare = defineWorkflow(
    { name: 'rare', limits: { rate: { max: 8, per: 3_600_000 } } },
    async () => 'begun',
  );
  const apps = [0, 1, 2].map(() => appOf([few, rare], { partitions: 4 }));
  const [app] = apps;
  if (app === undefined) throw new Error('there is no app');
  const runs = await Promise.all(Array.from({ length: 40 }, (_, n) => app.start(few, n, { id: `r${n}` })));
  for (let n = 0; n < 40; n += 1) await app.start(rare, n, { id: `r${n}` });
  for (const each of apps) each.work();
  await Promise.all(runs.map((run) => run.result()));
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(4);
  await eventually(async () => (await app.counts(rare)).completed, 8);
  // Whoever begins more would have done so by the time that others have come and gone.
  await Promise.all(Array.from({ length: 40 }, (_, n) => app.run(few, n)));
  expect(await app.counts(rare)).toMatchObject({ completed: 8, waiting: 32 });
});
