/** An app on several partitions, on a real Cluster. */
import { partitionOf } from '@holdfast/redis';
import { createWorkflows, defineWorkflow, MisuseError } from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { useCluster } from './cluster.js';
import { appOf, later, useRedis } from './setting.js';

const cluster = useCluster();
useRedis();

const wait = defineWorkflow({ name: 'wait' }, async (ctx, n: number) => {
  const more = await ctx.step('more', (step) => ({ n: n + 1, issuer: step.issuer }));
  await ctx.sleep(30);
  const told = await ctx.receive<number>('go');
  return { n: more.n + (told ?? 0), issuer: more.issuer };
});

function clusterApp(partitions: number) {
  const app = createWorkflows({ redis: cluster().url, name: 'shop', partitions, workflows: [wait] });
  later(() => app.close());
  return app;
}

it('spreads over the shards, with one worker for all of them', async () => {
  const app = clusterApp(9);
  const worker = app.work({ concurrency: 4 });
  const runs = await Promise.all(Array.from({ length: 60 }, (_, n) => app.start(wait, n, { id: `r${n}` })));
  for (const run of runs) expect(await run.send('go', 100, { id: 'm' })).toBe(true);
  const results = await Promise.all(runs.map((run) => run.result()));
  expect(results.map(({ n }) => n)).toEqual(Array.from({ length: 60 }, (_, n) => n + 101));
  const issuers = Array.from({ length: 60 }, (_, n) => `workflow:shop.${partitionOf(`r${n}`, 9)}`);
  expect(results.map(({ issuer }) => issuer)).toEqual(issuers);
  expect(new Set(issuers).size).toBe(9);
  for (const redis of cluster().masters) expect(await redis.keys('{wf:shop.*:j:*')).not.toEqual([]);
  await expect.poll(() => worker.inFlight, { timeout: 20_000 }).toBe(0);
  expect(worker.problem).toBe(undefined);
});

it('keeps runs of one key in one partition, and finds them again by key and id', async () => {
  const app = clusterApp(9);
  app.work();
  const runs = await Promise.all([1, 2, 3].map((n) => app.start(wait, n, { id: `${n}`, key: 'account/7' })));
  for (const run of runs) await run.send('go', 0);
  const results = await Promise.all(
    [1, 2, 3].map((n) => clusterApp(9).get(wait, `${n}`, { key: 'account/7' }).result()),
  );
  expect(new Set(results.map(({ issuer }) => issuer))).toEqual(
    new Set([`workflow:shop.${partitionOf('account/7', 9)}`]),
  );
});

it('goes on with the runs of a worker that has stopped, in whichever partition they are', async () => {
  const [app, other] = [clusterApp(5), clusterApp(5)];
  const dying = app.work({ lease: 300 });
  const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => other.start(wait, n)));
  const worker = other.work({ lease: 300 });
  await app.close();
  expect(dying.problem).toBeDefined();
  for (const run of runs) await run.send('go', 0);
  expect((await Promise.all(runs.map((run) => run.result()))).length).toBe(20);
  await worker.stop();
});

it('shares one concurrency among its partitions', async () => {
  let [now, most] = [0, 0];
  const busy = defineWorkflow({ name: 'busy' }, (ctx) =>
    ctx.step('busy', async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= 1;
    }),
  );
  const app = appOf([busy], { partitions: 4 });
  app.work({ concurrency: 3 });
  await Promise.all(Array.from({ length: 40 }, () => app.run(busy, null)));
  expect(most).toBeLessThanOrEqual(3);
  expect(most).toBeGreaterThan(0);
});

it('has as many partitions as were said first, and refuses whoever says otherwise', async () => {
  const app = appOf([wait], { partitions: 4 });
  await app.start(wait, 1, { id: 'one' });
  const other = appOf([wait]);
  await expect(other.start(wait, 1, { id: 'two' })).rejects.toThrow(MisuseError);
  await expect(other.get(wait, 'one').status()).rejects.toThrow('has 4 partitions, and this program says 1');
  const worker = other.work({ onError: () => {} });
  await expect.poll(() => worker.problem, { timeout: 20_000 }).toMatch('has 4 partitions');
  expect(await appOf([wait], { partitions: 4 }).get(wait, 'one').status()).toMatchObject({
    status: 'waiting',
  });
  expect(() => appOf([wait], { partitions: 0 })).toThrow(MisuseError);
});
