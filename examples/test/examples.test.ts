/**
 * Every example runs, prints the facts that it is about, and leaves nothing behind. Most run one after the other in one
 * process, which loads the packages once; in `npm run test:full` each has a process of its own.
 */
import { readFile } from 'node:fs/promises';
import { createRedisGuard, type RedisGuard } from '@holdfast/fence/redis';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gone, Program, run, Series } from './program.js';

const FACTS: Readonly<Record<string, RegExp>> = {
  'first-lease.ts': /^token \d{16}: balance 0 -> 100\n$/,
  'five/main.ts':
    /^100\nsmall cat\.png\n42, approved by eve\n\[ \{ 'profile\.spent': 99\.5 \} \]\n\[ 'apple' \]\n$/,
  'lock.ts': /^token \d{16}, valid for \d{4} ms\nnull\nkept\n$/,
  'family.ts': /^2 true\ntrue null\nworkers# 1 of 2\ntrue\n$/,
  'telemetry.ts': /^acquired invoice:42 \nrefused invoice:42 BusyError\nreleased invoice:42 \n$/,
  'endpoints.ts': /^ready\n.*holdfast:queue:ended\nholdfast_queue_process_duration_seconds_count\{.*\} 1\n$/s,
  'fence.ts': /^refused: \d{16} is below \d{16}\n$/,
  'postgres.ts': /^refused: \d{16} is below \d{16}\nbalance 5\n$/,
  'postgres-kysely.ts': /^StaleTokenError\nbalance 5\n$/,
  'postgres-drizzle.ts': /^StaleTokenError\nbalance 5\n$/,
  'postgres-prisma.ts': /^StaleTokenError\nbalance 5\n$/,
  'queue.ts': /^https:\/\/example\.org\/cat\.png: attempt 1\n$/,
  'queue-fastify.ts':
    /^202 \{ id: 'request-1' \} \{ id: 'request-1' \} \{ state: 'completed', result: 'small cat.png' \} 404\n$/,
  'queue-next.ts': /^202 true\ntrue\n$/,
  'queue-nest.ts': /^small cat.png undefined\nit has stopped\n$/,
  'cookbook/email.ts': /^200 200 200 200 TaskFailedError 3 3\n$/,
  'cookbook/cron.ts': /^\[ 'sales' \] 03:00:00\n$/,
  'cookbook/tenants.ts': /^2 true\n$/,
  'cookbook/fan-out.ts': /^328350 \[ 'billing 7', 'stock 7' \]\n$/,
  'cookbook/outbox.ts': /^7 1\n$/,
  'cookbook/poisoned.ts': /^3 weight is no number 7\n$/,
  'queue-rate-limiter.ts': /^HOW ARE YOU\?\n$/,
  'queue-retry.ts': /^true\ntrue 2\n$/,
  'queue-schedules.ts': /^\d\n\[ 'sales', 'trial', 'trial', 'trial' \] \[ 'nightly' \]\n$/,
  'queue-events.ts': /^added, begun, progress, completed\n$/,
  'webhooks.ts': /^queue\.completed cat genuine: true\nchanged: false\nanother secret: false\nold: false\n$/,
  'grpc.ts':
    /^\{"features":\["orders","tier"\],"rows":\[\{"values":\[\{"intValue":12,.*"stringValue":"gold".*"reason":"missing".*\}\n$/s,
  'server.ts': /^201 \{ id: 'cat', added: true \}\n\{\n {2}id: 'cat',\n {2}state: 'waiting',.*\}\n$/s,
  'queue-codec.ts': /^paid to DE02 1203\nThe result of task \S+ of "payslips" cannot be read\. .*\n$/,
  'queue-compression.ts': /^50000\n$/,
  'queue-kinds.ts': /^welcome, Ann 12\.5\n$/,
  'queue-batches.ts':
    /^one of 3\none of 3\nTask \S+ of "clicks" has failed for good: no page: nonsense\..*\n$/,
  'client.ts': /^waiting\n400 body\.priority\n$/,
  'queue-latch.ts': /^a\.csv true 2\nb\.csv true 1\nb\.csv false 1\nc\.csv true 0\ntrue\n$/,
  'queue-holder.ts': /^StaleTokenError\n2\n$/,
  'queue-cancel.ts': /^true\nTask \S+ of "films" was cancelled: its rights were sold\n$/,
  'features.ts':
    /^\[ 'accepted' \]\n\[\n.*'profile\.tier': 'gold'.*isGold: true.*'profile\.tier': null.*isGold: false.*\]\n$/s,
  'shop-features/main.ts':
    /^lamp gold \[ 'tent', 'lamp', 'tent' \]\ntent gold \[ 'tent', 'lamp', 'tent' \]$/m,
  'vectors.ts': /^\[ 'apple 1\.0' \]\n$/,
  'vectors-documents.ts': /^reset \{ vectors: 1, keywords: 1 \} a new one in the settings\.\n\[\]\n$/,
  'vectors-shards.ts': /^apple,pear \[\]\n$/,
  'vectors-embedding.ts': /^door \{ vectors: 1 \} \[\]\n$/,
  'vectors-new-model.ts': /^door \[ 'counts-1 kept', 'counts-2 live' \]\n$/,
  'workflow.ts': /^42, approved by eve\n$/,
  'workflow-undo.ts': /^RunFailedError\ngiven back: it was done\n$/,
  'workflow-codec.ts': /^Dear eve, yours\n$/,
  'workflow-streams.ts': /^Thank\nyou,\neve\nstarted\nended\n$/,
  'workflow-agent.ts': /^It is given back\.\n$/,
  'vectors-keywords.ts': /^\[ 'reset', 'login' \]\ncafé\n$/,
  'vectors-hybrid.ts': /^reset \{ vectors: 1, keywords: 1 \} \[\]\nin the settings\. It has 1\n$/,
  'http.ts': /^refused: \d{16} is below \d{16}\n$/,
  'object-store.ts': /^refused: \d{16} is below \d{16}\n{"sum":5}\n$/,
  'local.ts': /^\[ '\d+ running', '\d+ running', '\d+ running' \]\n$/,
  'node-redis-and-ioredis.ts': /^reserved 1\n$/,
};

let shared: LocalNodes;
let guard: RedisGuard;
let postgres: LocalPostgres;
let series: Series;
let databases = 0;
beforeAll(async () => {
  [shared, postgres] = await Promise.all([startNodes(6), startPostgres()]);
  await using locks = createLocks({ nodes: shared.urls.slice(1), callTimeout: 5_000 });
  await locks.initialize();
  guard = createRedisGuard({ redis: shared.urls[0] ?? '' });
  series = new Series();
});
afterAll(async () => {
  series.process.kill('SIGKILL');
  await guard.close();
  await Promise.all([shared.stop(), postgres.stop()]);
});

/** Those that leave a lease behind, which another one would have to wait for. */
const LEAVING = /^(fence|postgres.*|http|object-store)\.ts$/;

/** These need a process of their own: they read their command line, or set something for the whole process. */
const ALONE = /^(shop-features\/main|telemetry|endpoints|node-redis-and-ioredis|first-lease)\.ts$/;
const isAlone = (file: string): boolean =>
  process.env['HOLDFAST_TESTS'] === 'full' || LEAVING.test(file) || ALONE.test(file);

/** A database of its own; "postgres.ts" starts a server, as a reader's does. */
async function databaseFor(file: string): Promise<NodeJS.ProcessEnv> {
  if (!/^postgres-|outbox/.test(file)) return {};
  const pool = new Pool({ connectionString: postgres.url });
  databases += 1;
  await pool.query(`CREATE DATABASE example_${databases}`);
  await pool.end();
  const url = new URL(postgres.url);
  url.pathname = `/example_${databases}`;
  return { DATABASE_URL: url.href };
}

/** Servers of its own would take an example longer to start than everything else that it does. */
async function serversFor(file: string): Promise<NodeJS.ProcessEnv> {
  const database = await databaseFor(file);
  if (LEAVING.test(file)) return database;
  const [data = '', ...nodes] = shared.urls;
  const redis = new Redis(data);
  await redis.flushall();
  redis.disconnect();
  await guard.initialize();
  return { ...database, REDIS_URL: data, HOLDFAST_NODES: nodes.join(',') };
}

/** The samples of the README of the repository, which main.ts runs. */
const FIVE = ['five/lease.ts', 'five/queue.ts', 'five/workflow.ts', 'five/features.ts', 'five/vectors.ts'];

it.each(FIVE)('%s is run by five/main.ts', async (file) => {
  const source = await readFile(new URL('../src/five/main.ts', import.meta.url), 'utf8');
  expect(source).toContain(`'./${file.replace('five/', '').replace('.ts', '.js')}'`);
});

it.each(Object.entries(FACTS))('%s prints its facts', async (file, facts) => {
  const env = await serversFor(file);
  if (!isAlone(file)) return expect(await series.run(file, env)).toMatch(facts);
  const { code, output } = await run(file, [], env);
  expect(output).toMatch(facts);
  expect(code).toBe(0);
});

it('the process of the examples ends by itself: none has left anything open', async () => {
  expect(await series.finish(), series.output).toBe(0);
});

it('an example uses the nodes that the environment names, and leaves them running', async () => {
  await using local = await startNodes(3);
  await using locks = createLocks({ nodes: local.urls });
  await locks.initialize();
  const program = new Program('lock.ts', [], { HOLDFAST_NODES: local.urls.join(',') });
  expect(await program.ended(), program.output).toBe(0);
  const { fence, held } = await locks.inspect('invoice:42');
  expect(program.output).toContain(`token ${fence}`);
  expect(held).toBe(false);
});

it('an example that is killed leaves no server behind', async () => {
  const program = new Program('fence.ts');
  await expect.poll(() => program.family().length, { timeout: 20_000, interval: 20 }).toBeGreaterThan(2);
  const family = program.family();
  program.process.kill('SIGKILL');
  await program.ended();
  await gone(family);
});

it('the first program has at most fifteen lines', async () => {
  const source = await readFile(new URL('../src/first-lease.ts', import.meta.url), 'utf8');
  const [, region = ''] = /\/\/ #region readme\n([\s\S]*)\n\/\/ #endregion readme/.exec(source) ?? [];
  const lines = region.split('\n');
  expect(lines.length).toBeLessThanOrEqual(15);
  expect(lines.length).toBeGreaterThan(5);
});
