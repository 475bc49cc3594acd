/** The task queues that are on PostgreSQL. */
import pg from 'pg';
import { type Payload, type Peer, requirePackage } from './peer.js';

const NAME = 'bench';

async function drop(url: string, schema: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`SET client_min_messages = error; DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await client.end();
}

/** The parts of graphile-worker that are used here. */
interface GraphileWorker {
  makeWorkerUtils(options: object): Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: object): Promise<unknown>;
    withPgClient<T>(use: (client: pg.ClientBase) => Promise<T>): Promise<T>;
    release(): Promise<void>;
  }>;
  run(options: object): Promise<{ stop(): Promise<void> }>;
  Logger: new (factory: () => () => void) => object;
}

/** Connections of a process: PostgreSQL takes a hundred in all. */
const most = (concurrency: number): number => Math.min(concurrency + 2, 40);

const openGraphile = async () => {
  const graphile = await requirePackage<GraphileWorker>('graphile-worker');
  return { ...graphile, logger: new graphile.Logger(() => () => {}) };
};

const ADD_MANY = `SELECT 1 FROM graphile_worker.add_jobs(
  ARRAY(SELECT json_populate_recordset(null::graphile_worker.job_spec, $1::json)))`;

const graphileWorker: Peer = {
  ...{ name: 'graphile-worker', broker: 'postgres', pace: 1 },
  clear: (url) => drop(url, 'graphile_worker'),
  prepare: async (url) => {
    const { makeWorkerUtils, logger } = await openGraphile();
    const utils = await makeWorkerUtils({ connectionString: url, logger });
    await utils.migrate();
    await utils.release();
  },
  adding: async (url) => {
    const { makeWorkerUtils, logger } = await openGraphile();
    const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: most(20), logger });
    return {
      add: (payload) => utils.addJob(NAME, payload),
      addMany: (payloads) => {
        const specs = payloads.map((payload) => ({ identifier: NAME, payload }));
        return utils.withPgClient((client) => client.query(ADD_MANY, [JSON.stringify(specs)]));
      },
      close: () => utils.release(),
    };
  },
  working: async (url, concurrency, handle) => {
    const { run, logger } = await openGraphile();
    const runner = await run({
      ...{
        connectionString: url,
        concurrency,
        maxPoolSize: most(concurrency),
        logger,
        noHandleSignals: true,
      },
      taskList: { [NAME]: async (payload: Payload) => handle(payload) },
    });
    return { close: () => runner.stop() };
  },
};

/** The parts of pg-boss that are used here. */
interface PgBoss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  createQueue(name: string): Promise<void>;
  send(name: string, data: object): Promise<string | null>;
  insert(jobs: readonly object[]): Promise<void>;
  work(
    name: string,
    options: object,
    handler: (jobs: readonly { readonly data: Payload }[]) => Promise<void>,
  ): Promise<string>;
  notifyWorker(id: string): void;
}

async function openBoss(url: string, options: object = {}): Promise<PgBoss> {
  const Boss = await requirePackage<new (options: object) => PgBoss>('pg-boss');
  const boss = new Boss({ connectionString: url, ...options });
  boss.on('error', () => {});
  await boss.start();
  return boss;
}

const STOP = { graceful: false, wait: true };

const pgBoss: Peer = {
  ...{ name: 'pg-boss', broker: 'postgres', pace: 1 },
  clear: (url) => drop(url, 'pgboss'),
  prepare: async (url) => {
    const boss = await openBoss(url);
    await boss.createQueue(NAME);
    await boss.stop(STOP);
  },
  adding: async (url) => {
    const boss = await openBoss(url, { max: most(20), supervise: false, schedule: false });
    return {
      add: (data) => boss.send(NAME, data),
      addMany: (payloads) => boss.insert(payloads.map((data) => ({ name: NAME, data }))),
      close: () => boss.stop(STOP),
    };
  },
  working: async (url, concurrency, handle) => {
    const boss = await openBoss(url);
    // It asks twice a second at most, but for a worker that is told that there is more.
    const id = await boss.work(
      NAME,
      { batchSize: concurrency, pollingIntervalSeconds: 0.5 },
      async (jobs) => {
        for (const { data } of jobs) handle(data);
        if (jobs.length === concurrency) boss.notifyWorker(id);
      },
    );
    return { close: () => boss.stop(STOP) };
  },
};

export const postgresPeers: readonly Peer[] = [graphileWorker, pgBoss];
