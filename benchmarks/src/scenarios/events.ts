/**
 * Events start runs of a fraud check with five steps, one of which charges an account behind a guard: which rate is kept up
 * with, with the accounts in the same Redis and in PostgreSQL.
 *
 * Guarantees: in the end every order was charged, once.
 */
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows, defineWorkflow, type Step } from '@holdfast/workflow';
import { Pool } from 'pg';
import { number, type Table } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atLeast } from '../harness/targets.js';
import { expectSame, now, pause, type Role, type Scenario, until } from './scenario.js';
import type { Actor, Servers, Stage } from './stage.js';

interface Order {
  readonly id: string;
  readonly account: string;
  readonly amount: number;
  /** When the event happened, by `now`. */
  readonly at: number;
}

type Charge = (step: Step, order: Order) => Promise<void>;

const TABLES = `
  DROP TABLE IF EXISTS charges;
  CREATE TABLE charges (order_id text NOT NULL, account text NOT NULL, amount int NOT NULL)`;

function inRedis(url: string): Charge {
  const guard = createRedisGuard({ redis: url });
  return async (step, { id, account, amount }) => {
    const { write } = await guard.seal(step, { resource: `order:${id}` });
    await write([
      ['HINCRBY', 'charges', id, 1],
      ['HINCRBY', 'balances', account, -amount],
    ]);
  };
}

function inPostgres(url: string): Charge {
  const guard = createPostgresGuard({ sql: new Pool({ connectionString: url, max: 20 }) });
  return (step, { id, account, amount }) =>
    guard.transaction(
      step,
      async (tx) => {
        await tx.query('INSERT INTO charges VALUES ($1, $2, $3)', [id, account, amount]);
      },
      { resource: `order:${id}` },
    );
}

const check = (charge: Charge, delays: number[]) =>
  defineWorkflow({ name: 'check' }, async (ctx, order: Order) => {
    const age = await ctx.step('profile', () => order.account.length * 30);
    const { risk } = await ctx.step('model', () => ({ risk: age % 40, reasons: 'The account is known.' }));
    const isAccepted = await ctx.step('decide', () => risk < 40);
    await ctx.step('charge', (step) => charge(step, order));
    await ctx.step('ship', () => delays.push(now() - order.at));
    return isAccepted;
  });

const ACCOUNTS = 1_000;

const worker: Role = ({ redis, postgres }, { guard }: { guard: string }) => {
  const delays: number[] = [];
  const flow = check(guard === 'Redis' ? inRedis(redis) : inPostgres(postgres), delays);
  const workflows = createWorkflows({ redis, name: 'shop', workflows: [flow] });
  workflows.work({ concurrency: 500 });
  return {
    /** From the events to the last steps of their runs, in ms, since it was asked last. */
    delays: () => delays.splice(0),
  };
};

interface Offered {
  readonly published: number;
  /** In ms. */
  readonly time: number;
  /** Runs that were not over when the last event had been published. */
  readonly backlog: number;
  /** How long it took until all were over. */
  readonly drained: number;
}

const BATCH = 10;

const publisher: Role = ({ redis }) => {
  const flow = check(async () => {}, []);
  const workflows = createWorkflows({ redis, name: 'shop', workflows: [flow] });
  workflows.on('order', flow);
  let count = 0;
  const left = async (): Promise<number> => {
    const { waiting, running, sleeping, failed, stuck } = await workflows.counts(flow);
    expectSame('the number of runs that have failed', failed + stuck, 0);
    return waiting + running + sleeping; // one whose step is tried again sleeps
  };
  const offer = async ({ rate, time }: { rate: number; time: number }): Promise<Offered> => {
    const since = now();
    const publishing = new Set<Promise<unknown>>();
    let published = 0;
    while (now() - since < time) {
      const due = Math.floor(((now() - since) / 1_000) * rate) - published;
      if (due < Math.min(BATCH, rate / 100)) {
        await pause(1);
        continue;
      }
      const events = Array.from({ length: Math.min(due, 50 * BATCH) }, () => {
        count += 1;
        published += 1;
        const at = since + (published / rate) * 1_000;
        const data: Order = { id: `o${count}`, account: `a${count % ACCOUNTS}`, amount: 5, at };
        return { name: 'order', id: data.id, data };
      });
      const going = workflows.publish(events).finally(() => publishing.delete(going));
      publishing.add(going);
      if (publishing.size > 20) await Promise.race(publishing); // Redis does not keep up with the events alone
    }
    await Promise.all(publishing);
    const took = now() - since;
    const backlog = await left();
    await until('all runs are over', async () => (await left()) === 0, { every: 50 });
    return { published, time: took, backlog, drained: now() - since - took };
  };
  return { offer };
};

interface Measured extends Offered {
  readonly rate: number;
  readonly isKeptUp: boolean;
  readonly p50: number;
  readonly p99: number;
  /** In µs for each run. */
  readonly redis: number;
  readonly workers: number;
}

const WORKERS = 2;

async function charged(
  stage: Stage,
  { postgres }: Servers,
  guard: string,
): Promise<[orders: number, charges: number]> {
  if (guard === 'Redis') {
    const all = await stage.redis.hvals('charges');
    return [all.length, all.reduce((sum, times) => sum + Number(times), 0)];
  }
  const pool = new Pool({ connectionString: postgres });
  const { rows } = await pool.query(
    'SELECT count(DISTINCT order_id)::int orders, count(*)::int charges FROM charges',
  );
  await pool.end();
  return [rows[0].orders, rows[0].charges];
}

async function prepare(stage: Stage, guard: string): Promise<void> {
  await stage.clear();
  if (guard === 'Redis') {
    const marks = createRedisGuard({ redis: stage.servers.redis });
    await marks.initialize();
    await marks.close();
    return;
  }
  const pool = new Pool({ connectionString: stage.servers.postgres });
  const marks = createPostgresGuard({ sql: pool });
  await marks.migrate();
  await marks.initialize();
  await pool.query(TABLES);
  await pool.end();
}

async function measure(stage: Stage, guard: string, rate: number, time: number): Promise<Measured> {
  await prepare(stage, guard);
  const workers: Actor[] = [];
  for (let index = 0; index < WORKERS; index += 1) workers.push(await stage.start('worker', { guard }));
  const publishing = await stage.start('publisher');
  const warm = await publishing.ask<Offered>('offer', { rate: 200, time: 1_000 });
  for (const each of workers) await each.ask('delays');
  const [redisBefore = 0] = await stage.observer.cpuOfEach();
  const cpuOf = async (): Promise<number> => {
    const all = await Promise.all(workers.map((each) => each.usage()));
    return all.reduce((sum, { cpu }) => sum + cpu, 0);
  };
  const workersBefore = await cpuOf();
  const offered = await publishing.ask<Offered>('offer', { rate, time });
  const [redisAfter = 0] = await stage.observer.cpuOfEach();
  const delays = (await Promise.all(workers.map((each) => each.ask<number[]>('delays')))).flat();
  const [orders, charges] = await charged(stage, stage.servers, guard);
  expectSame('the number of orders that were charged', orders, warm.published + offered.published);
  expectSame('the number of charges', charges, orders);
  expectSame('the number of last steps', delays.length, offered.published);
  const isOffered = offered.published >= (0.95 * (rate * time)) / 1_000 - BATCH;
  return {
    ...offered,
    rate,
    isKeptUp: isOffered && offered.backlog <= rate / 2 && offered.drained < 1_000,
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    redis: (redisAfter - redisBefore) / offered.published,
    workers: ((await cpuOf()) - workersBefore) / offered.published,
  };
}

const WANTED = 5_000;

/** From the rate that is wanted down to one that is kept up with. */
async function search(stage: Stage, guard: string): Promise<Measured[]> {
  const time = stage.quick ? 500 : 6_000;
  stage.progress(`${guard}: ${WANTED}/s`);
  const first = await measure(stage, guard, WANTED, time / 2);
  const all = [first];
  if (first.isKeptUp) return all;
  const capacity = first.published / ((first.time + first.drained) / 1_000);
  for (const share of [1, 0.85, 0.7, 0.55, 0.4]) {
    const rate = Math.floor((capacity * share) / 50) * 50;
    stage.progress(`${guard}: ${rate}/s`);
    const measured = await measure(stage, guard, Math.max(50, rate), time);
    all.push(measured);
    if (measured.isKeptUp) break;
  }
  return all;
}

function tableOf(guard: string, all: readonly Measured[]): Table {
  return {
    title: `events, accounts in ${guard}`,
    about: `Events are published at a rate, each starts a run of five steps with a mock of a model that answers at once, and ${WORKERS} processes work on the runs. Kept up with: when the last event was published, no more runs were left than half a second brings, and they were over within a second. Latency is from the time at which an event was due to the last step of its run.`,
    columns: [
      ...['events/s', 'published/s', 'kept up with', 'left at the end', 'over after ms'],
      ...['p50 ms', 'p99 ms', 'workers CPU µs/run', 'Redis CPU µs/run'],
    ],
    rows: all.map((each) => [
      number(each.rate),
      number((each.published / each.time) * 1_000),
      each.isKeptUp ? 'yes' : 'no',
      ...[each.backlog, each.drained, each.p50, each.p99, each.workers, each.redis].map((value) =>
        number(value),
      ),
    ]),
  };
}

const highest = (all: readonly Measured[]): number =>
  Math.max(0, ...all.filter(({ isKeptUp }) => isKeptUp).map(({ rate }) => rate));

export const events: Scenario = {
  roles: { worker, publisher },
  async measure(stage) {
    const found = { Redis: await search(stage, 'Redis'), PostgreSQL: await search(stage, 'PostgreSQL') };
    return {
      targets: [
        atLeast('events/s kept up with, accounts in the same Redis', spread([highest(found.Redis)]), WANTED),
      ],
      tables: Object.entries(found).map(([guard, all]) => tableOf(guard, all)),
      remarks: [
        `Highest rate that was kept up with: ${highest(found.Redis)} events/s with accounts in Redis, ${highest(found.PostgreSQL)} with accounts in PostgreSQL.`,
      ],
      data: found,
    };
  },
};
