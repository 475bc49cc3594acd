/**
 * Runs the fraud check: `main.ts [all | worker | init]`. A worker lets runs go on until SIGTERM; start as many as you need.
 * `all` is a worker that also publishes three orders, approves the large one, and ends. `init` is called once for new data.
 *
 * Settings come from the environment: REDIS_URL, which keeps the runs, and the accounts too unless DATABASE_URL names a
 * PostgreSQL; LEASE, after how many ms without a sign of life the runs of a worker go on elsewhere; DELAY of the mocks.
 */
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows, type WorkflowMessage } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { postgresAccounts, TABLES } from './accounts-postgres.js';
import { redisAccounts } from './accounts-redis.js';
import { fraudCheck, type Order } from './fraud-check.js';
import { authorise, model, profileOf, ship } from './mocks.js';

const { REDIS_URL: url = 'redis://127.0.0.1:6379', DATABASE_URL: database, LEASE = '5000' } = process.env;
const role = process.argv[2] ?? 'all';
if (!['all', 'worker', 'init'].includes(role)) {
  console.error(`Say all, worker or init; got "${role}".`);
  process.exit(64);
}

async function openPostgres(connectionString: string) {
  const pool = new Pool({ connectionString });
  const guard = createPostgresGuard({ sql: pool });
  await guard.migrate();
  await pool.query(TABLES);
  return { accounts: postgresAccounts(guard, authorise), guard, close: () => pool.end() };
}

function openRedis() {
  const redis = new Redis(url);
  redis.on('error', () => {}); // it connects again by itself, and calls that fail are tried again with their steps
  // This Redis has appendfsync always and no replica, so a restart forgets no mark. Leave the option out if yours has not.
  const guard = createRedisGuard({ redis: url, persistence: 'synchronous' });
  const close = async (): Promise<void> => {
    redis.disconnect();
    await guard.close();
  };
  return { accounts: redisAccounts(guard, redis, authorise), guard, close };
}

const { accounts, guard, close } = database ? await openPostgres(database) : openRedis();
if (role === 'init') {
  await guard.initialize(); // otherwise new data take no token for ten seconds
  await close();
  process.exit();
}

const check = fraudCheck({ profileOf, model, accounts, ship });
const workflows = createWorkflows({ redis: url, name: 'shop', workflows: [check] });
workflows.work({ lease: Number(LEASE) });
subscribe('holdfast:workflow:refused', (message) => {
  const { run, reason } = message as WorkflowMessage;
  console.log(`refused, as another worker has the run ${run}: ${reason}`);
});

async function stop(): Promise<void> {
  await workflows.close(); // gives back what does not end within the grace of the worker
  await close();
  console.log(`${role}: stopped`);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
console.log(`${role}: ready`);

if (role === 'all') {
  workflows.on('order.created', check, { id: (order: Order) => order.id });
  const now = Date.now();
  const orders: Order[] = [
    { id: `${now}-small`, account: 'eve', amount: 20 },
    { id: `${now}-large`, account: 'bob', amount: 5_000 },
    { id: `${now}-doubtful`, account: 'new-abroad', amount: 90 },
  ];
  // Published again after a failure, an event finds the run that it has started.
  await workflows.publish(orders.map((data) => ({ name: 'order.created', id: data.id, data })));
  const large = workflows.get(check, `${now}-large`);
  for await (const item of large.stream<string>('reasons')) {
    if (item.kind === 'chunk') process.stdout.write(item.chunk);
    if (item.kind === 'chunk' && item.chunk.startsWith('Risk')) break;
  }
  console.log();
  while (!(await large.approve('charge', true, 'alice'))) await sleep(50); // false until it is asked
  for (const { id } of orders) console.log(id, await workflows.get(check, id).result());
  await stop();
}
