/** What is told, and begun, only once replicas have it: on a real master with its replica, and after a failover. */
import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import {
  createWorkflows,
  defineWorkflow,
  type Step,
  UnavailableError,
  type Workflows,
} from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { eventually } from './setting.js';

const META = '{wf:test.0}:meta';
let nodes: LocalNodes;
let clients: Redis[];
const open: (() => unknown)[] = [];

beforeAll(async () => {
  nodes = await startNodes(3);
  clients = nodes.urls.map((url) => new Redis(url));
  for (const each of clients) await each.config('SET', 'repl-diskless-sync-delay', '0');
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await nodes.stop();
});
beforeEach(async () => {
  for (const each of clients) await each.replicaof('NO', 'ONE');
  for (const each of clients) await each.flushall();
  await follow(1, 0);
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const client = (index: number): Redis => clients[index] as Redis;
const node = (index: number): LocalNode => nodes.nodes[index] as LocalNode;

/** One server becomes a replica of another. */
async function follow(replica: number, master: number): Promise<void> {
  await client(replica).replicaof('127.0.0.1', node(master).port);
  await expect
    .poll(() => client(replica).info('replication'), { timeout: 20_000, interval: 20 })
    .toContain('master_link_status:up');
}

/** On one of the servers. */
function appOn(
  index: number,
  workflow: Parameters<typeof createWorkflows>[0]['workflows'][0],
  callTimeout = 5_000,
): Workflows {
  const redis = nodes.urls[index] ?? '';
  const replicas = { count: 1, callTimeout };
  const app = createWorkflows({ redis, name: 'test', workflows: [workflow], replicas, callTimeout: 5_000 });
  open.push(() => app.close());
  return app;
}

/** Does it until replicas confirm it, as the error tells callers to: a busy machine may take longer than 50 ms. */
const untilConfirmed = <T>(act: () => Promise<T>): Promise<T> =>
  vi.waitFor(act, { timeout: 20_000, interval: 20 });

const journalOn = async (index: number): Promise<readonly string[]> => {
  const [key = ''] = await client(index).keys('{wf:test.0}:j:flow/one/*');
  return client(index).lrange(key, 0, -1);
};

it('tells of a start, begins what is begun once, and tells of the end when a replica has it', async () => {
  const tokens: number[] = [];
  const seen: string[] = [];
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    await ctx.step('first', (step) => void tokens.push(step.token));
    await ctx.once('mail', async (step) => {
      tokens.push(step.token);
      seen.push(...(await journalOn(1)).map((record) => record.slice(0, 1)));
    });
    return 'sent';
  });
  const app = appOn(0, flow);
  const run = await app.start(flow, null, { id: 'one' });
  expect((await journalOn(1))[0]).toMatch(/^H /);
  const worker = app.work();
  expect(await run.result()).toBe('sent');
  expect((await journalOn(1)).at(-1)).toMatch(/^Z /);
  expect(seen).toEqual(['H', 'S', 'B']);
  expect(worker.problem).toBe(undefined);
  const [written, confirmed, count] = ((await client(1).hget(META, 'ceiling')) ?? '').split(' ').map(Number);
  expect(count).toBe(1);
  expect(written).toBeGreaterThanOrEqual(confirmed ?? 0);
  for (const token of tokens) expect(token).toBeLessThanOrEqual(written ?? 0);
});

it('waits while too few replicas have it, says so, and goes on when they do', async () => {
  let sent = 0;
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    await ctx.receive('go');
    return ctx.once('mail', () => {
      sent += 1;
      return sent;
    });
  });
  const app = appOn(0, flow, 50);
  const worker = app.work({ lease: 60_000, onError: () => {} });
  const run = await untilConfirmed(() => app.start(flow, null, { id: 'one' }));
  await eventually(async () => (await run.status()).status, 'sleeping');
  await client(1).replicaof('NO', 'ONE');
  await expect(app.start(flow, null, { id: 'two' })).rejects.toThrow(UnavailableError);
  await expect(run.send('go', null, { id: 'm' })).rejects.toThrow('0 of 1 replicas have it after 50 ms');
  // It has begun to begin, and the mail is not sent.
  await eventually(async () => (await journalOn(0)).at(-1)?.slice(0, 1), 'B');
  await eventually(() => worker.problem?.includes('0 of 1 replicas'), true);
  expect(sent).toBe(0);
  await follow(1, 0);
  await untilConfirmed(() => run.send('go', null, { id: 'm' }));
  expect(await untilConfirmed(() => run.result())).toBe(1);
  await eventually(() => worker.problem, undefined);
  expect(sent).toBe(1);
});

it('does not tell of an end that no replica has', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => ctx.step('one', () => 1));
  const app = appOn(0, flow, 50);
  const run = await untilConfirmed(() => app.start(flow, null, { id: 'one' }));
  const worker = app.work({ onError: () => {} });
  await eventually(async () => (await run.status()).status, 'completed');
  await client(1).replicaof('NO', 'ONE');
  await expect(run.result()).rejects.toThrow(UnavailableError);
  await follow(1, 0);
  expect(await untilConfirmed(() => run.result())).toBe(1);
  await worker.stop();
});

it('issues no tokens where replicas confirm nothing, and higher ones on the next server', async () => {
  const guard = createRedisGuard({ redis: nodes.urls[0] ?? '' });
  open.push(() => guard.close());
  await guard.initialize();
  const attempts: { readonly on: string; readonly token: number; readonly step: Step }[] = [];
  const flowOn = (on: string) =>
    defineWorkflow({ name: 'flow' }, async (ctx) =>
      ctx.step(
        'one',
        async (step) => {
          attempts.push({ on, token: step.token, step });
          if (on === 'old') throw new Error('again');
          const sealed = await guard.seal(step, { resource: 'account' });
          await sealed.write([['SET', 'account', on]]);
          return on;
        },
        { attempts: 1_000, backoff: { type: 'constant', delay: 1 } },
      ),
    );
  const [old, next] = [flowOn('old'), flowOn('next')];
  const app = appOn(0, old, 50);
  const run = await untilConfirmed(() => app.start(old, null, { id: 'one' }));
  const worker = app.work({ onError: () => {}, lease: 500, grace: 0 });
  await eventually(() => attempts.length > 3, true);
  // The replica becomes a master, and knows nothing of what the old one does from now on.
  await client(1).replicaof('NO', 'ONE');
  await expect(run.send('any')).rejects.toThrow(UnavailableError);
  const [, confirmed = 0] = ((await client(0).hget(META, 'ceiling')) ?? '').split(' ').map(Number);
  // As if the clock of the old one were ahead: it has nearly come to its ceiling.
  await client(0).hset(META, 'token', String(confirmed - 10));
  await eventually(() => Math.max(...attempts.map(({ token }) => token)) === confirmed, true);
  await eventually(() => worker.problem?.includes('0 of 1 replicas'), true);
  const before = attempts.length;
  await follow(2, 1);
  const other = appOn(1, next);
  other.work();
  expect(await other.get(next, 'one').result()).toBe('next');
  const later = attempts.slice(before).filter(({ on }) => on === 'next');
  expect(attempts.slice(before).filter(({ on }) => on === 'old')).toEqual([]);
  for (const { token } of later) expect(token).toBeGreaterThan(confirmed);
  // What the old worker still does is refused.
  const zombie = attempts[before - 1]?.step as Step;
  await expect(guard.seal(zombie, { resource: 'account' })).rejects.toMatchObject({
    name: 'StaleTokenError',
  });
  expect(await client(0).get('account')).toBe('next');
});

it('says that a run is terminated once a replica has that, and says so again', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => ctx.receive('go'));
  const app = appOn(0, flow, 50);
  const run = await untilConfirmed(() => app.start(flow, null, { id: 'one' }));
  await client(1).replicaof('NO', 'ONE');
  await expect(run.terminate()).rejects.toThrow('0 of 1 replicas have it after 50 ms');
  await expect(run.terminate()).rejects.toThrow('0 of 1 replicas have it after 50 ms');
  await follow(1, 0);
  expect(await untilConfirmed(() => run.terminate())).toBe(false);
  expect((await journalOn(1)).at(-1)).toMatch(/^Z /);
});

it('refuses a number of replicas that is none', () => {
  const flow = defineWorkflow({ name: 'flow' }, async () => 1);
  const redis = nodes.urls[0] ?? '';
  for (const count of [0, 1.5, 101]) {
    expect(() => createWorkflows({ redis, workflows: [flow], replicas: { count } })).toThrow(
      'replicas.count',
    );
  }
});
