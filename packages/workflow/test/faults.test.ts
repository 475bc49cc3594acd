/** What happens to runs when workers and Redis fail: real processes that are frozen and killed, and connections that are cut. */
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { createRedisGuard } from '@holdfast/fence/redis';
import { startNodes } from '@holdfast/local';
import { startPostgres } from '@holdfast/local/postgres';
import { defineWorkflow, type JournalRecord, RunGoneError, type Step } from '@holdfast/workflow';
import { Pool } from 'pg';
import { expect, it } from 'vitest';
import { startChild } from './child.js';
import { appOf, client, eventually, later, node, url, useRedis } from './setting.js';

useRedis();

/** Adds in five steps; `body` goes before each. */
const fiveOf = (body: () => unknown) =>
  defineWorkflow({ name: 'five' }, async (ctx, start: number) => {
    let sum = start;
    for (let n = 0; n < 5; n += 1) {
      sum += await ctx.step(`add ${n}`, async () => {
        await body();
        return n;
      });
    }
    return sum;
  });

/** Each step is done once, tokens rise as W4 of GUARANTEES.md says, and there is one end, at the end. */
function requireSound(records: readonly JournalRecord[]): void {
  const done = records.filter((record) => record.kind === 'done');
  expect(done.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4']);
  // Of the attempts of a step, and of those who have had the run. A step may follow one that was tried under a fresh token.
  for (const { id } of done)
    requireRising(records.flatMap((each) => (isAttemptOf(each, id) ? each.token : [])));
  requireRising(records.flatMap((each) => (each.kind === 'takeover' ? each.token : [])));
  expect(records.filter(({ kind }) => kind === 'end')).toHaveLength(1);
  expect(records.at(-1)?.kind).toBe('end');
}

function requireRising(tokens: readonly number[]): void {
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
}

function isAttemptOf(
  record: JournalRecord,
  id: string,
): record is JournalRecord & { readonly token: number } {
  return (record.kind === 'retry' || record.kind === 'done') && record.id === id;
}

/** The workflow of worker-process.ts, as this process runs it: its step ends when `written` does. */
function guardedFlow(written: (step: Step) => Promise<unknown>) {
  const steps: Step[] = [];
  const flow = defineWorkflow({ name: 'guarded' }, async (ctx, _: null) =>
    ctx.step('write', async (step) => {
      steps.push(step);
      await step.stream('log').write('new');
      await written(step);
      return 'new';
    }),
  );
  return { flow, steps };
}

it('a worker that was frozen past its lease writes nothing: not behind a guard, not into the run or its streams', async () => {
  const postgres = await startPostgres();
  later(() => postgres.stop());
  const pool = new Pool({ connectionString: postgres.url });
  later(() => pool.end());
  await pool.query(`CREATE TABLE things (value text); INSERT INTO things VALUES ('')`);
  const guard = createRedisGuard({ redis: url(), name: 'g' });
  later(() => guard.close());
  await guard.initialize();
  const tables = createPostgresGuard({ sql: pool });
  await tables.migrate();
  await tables.initialize();
  const { flow, steps } = guardedFlow(async (step) => {
    await (await guard.seal(step, { resource: 'x' })).write([['SET', '{g}:x', 'new']]);
    await tables.transaction(step, (tx) => tx.query(`UPDATE things SET value = 'new'`), { resource: 'x' });
  });
  const app = appOf([flow]);
  const run = await app.start(flow, null);
  const stale = startChild(postgres.url);
  const [, token] = (await stale.said('began')).split(' ');
  for await (const item of run.stream('log')) {
    expect(item).toMatchObject({ chunk: 'stale' });
    break;
  }
  stale.kill('SIGSTOP');
  app.work();
  expect(await run.result()).toBe('new');
  expect(steps[0]?.token).toBeGreaterThan(Number(token));
  expect(steps[0]?.attempt).toBe(1);

  stale.kill('SIGCONT');
  expect(await stale.said('aborted')).toBe('aborted LeaseLostError');
  stale.tell();
  expect(await stale.said('remaining')).toBe('remaining 0');
  expect(await stale.said('redis')).toBe('redis StaleTokenError');
  expect(await stale.said('postgres')).toBe('postgres StaleTokenError');
  expect(await client().get('{g}:x')).toBe('new');
  expect((await pool.query('SELECT value FROM things')).rows).toEqual([{ value: 'new' }]);
  expect(await stale.said('stream')).toBe('stream LeaseLostError');
  const chunks: unknown[] = [];
  for await (const item of run.stream('log', { attempts: true }))
    chunks.push(item.kind === 'chunk' && item.chunk);
  expect(chunks).toEqual(['stale', false, 'new']);
  expect((await run.history()).slice(1)).toMatchObject([
    { kind: 'takeover', falls: 1 },
    { kind: 'done', value: 'new' },
    { kind: 'end' },
  ]);
  expect(await run.result()).toBe('new');
});

it('a worker that was killed in a body loses its run to another, under a higher token', async () => {
  const { flow, steps } = guardedFlow(async () => {});
  const app = appOf([flow]);
  const run = await app.start(flow, null);
  const child = startChild('');
  const [, token] = (await child.said('began')).split(' ');
  child.kill('SIGKILL');
  app.work();
  expect(await run.result()).toBe('new');
  expect(steps[0]?.token).toBeGreaterThan(Number(token));
});

it('runs end though all connections are cut again and again', async () => {
  let bodies = 0;
  const five = fiveOf(async () => {
    bodies += 1;
    if (bodies % 30 !== 0) return;
    for (const type of ['normal', 'pubsub']) {
      await client().call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
    }
  });
  const app = appOf([five]);
  for (const each of [app, appOf([five])]) each.work({ lease: 1_000, concurrency: 20, onError: () => {} });
  const runs = await Promise.all(
    Array.from({ length: 60 }, (_, n) => waitFor(() => app.start(five, n, { id: `${n}` }))),
  );
  const results = await Promise.all(runs.map((run) => waitFor(() => run.result())));
  expect(results).toEqual(runs.map((_, n) => n + 10));
  for (const run of runs) requireSound(await waitFor(() => run.history()));
});

it('runs end on a Redis that is killed and comes back with all that it has acknowledged', async () => {
  const local = await startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  later(() => local.stop());
  const [server] = local.nodes;
  let bodies = 0;
  const restarts: Promise<void>[] = [];
  const five = fiveOf(() => {
    bodies += 1;
    if (bodies === 50 || bodies === 150) restarts.push(server?.restart() ?? Promise.resolve());
  });
  const app = appOf([five], { redis: server?.url ?? '' });
  app.work({ lease: 1_000, onError: () => {} });
  const runs = await Promise.all(Array.from({ length: 40 }, (_, n) => app.start(five, n, { id: `${n}` })));
  const ends = runs.map((run) => waitFor(() => run.result()));
  expect(await Promise.all(ends)).toEqual(runs.map((_, n) => n + 10));
  await Promise.all(restarts);
  expect(restarts).toHaveLength(2);
  for (const run of runs) requireSound(await waitFor(() => run.history()));
});

it('a Redis that has forgotten runs says so, and its workers go on with what is started then', async () => {
  const five = fiveOf(() => {});
  const app = appOf([five]);
  const worker = app.work({ lease: 1_000, onError: () => {} });
  expect(await app.run(five, 1, { id: 'early' })).toBe(11);
  const early = (await app.get(five, 'early').history()).find((record) => record.kind === 'done');
  await node().restart({ empty: true });
  await expect(waitFor(() => app.get(five, 'early').result())).rejects.toThrow(RunGoneError);
  const run = await waitFor(() => app.start(five, 2, { id: 'later' }));
  expect(await waitFor(() => run.result())).toBe(12);
  const later = (await run.history()).find((record) => record.kind === 'done');
  expect(later?.token).toBeGreaterThan(early?.token ?? Number.NaN);
  await eventually(() => worker.problem, undefined);
});

it('runs that Redis remembers from before go on from there, and do again what it has forgotten', async () => {
  const dones: string[] = [];
  let isHeld = true;
  const flow = defineWorkflow({ name: 'half' }, async (ctx, _: null) => {
    for (const name of ['a', 'b', 'c']) await ctx.step(name, () => void dones.push(name));
    return ctx.step(
      'last',
      () =>
        new Promise<string>((done) => {
          if (!isHeld) done('ended');
        }),
    );
  });
  const app = appOf([flow]);
  const run = await app.start(flow, null, { id: 'one' });
  await client().save();
  app.work({ lease: 1_000, onError: () => {} });
  await eventually(() => dones.length, 3);
  isHeld = false;
  await node().restart();
  expect(await waitFor(() => run.result())).toBe('ended');
  expect(dones).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  const tokens = (await run.history()).flatMap((record) => (record.kind === 'done' ? [record.token] : []));
  expect(tokens).toHaveLength(4);
});

/** While Redis is away, calls reject, and are to be repeated. */
async function waitFor<T>(call: () => Promise<T>): Promise<T> {
  const end = Date.now() + 30_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'HOLDFAST_UNAVAILABLE' || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
