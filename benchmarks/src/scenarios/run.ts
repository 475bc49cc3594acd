/**
 * `npm run bench -- scenarios`: durable runs where there are many of them, where they are long, and where workers die.
 *
 * Guarantees: whatever happens, `stop` ends the servers and every process that was started. A scenario begins with an empty
 * Redis and processes of its own.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { NodeObserver } from '../redis-info.js';
import { manifestOf } from '../versions.js';
import type { Findings } from './scenario.js';
import { scenarios as all } from './scenarios.js';
import { Stage } from './stage.js';

export const scenarios: Benchmark = {
  about: 'durable runs that are many or long, whose workers die, or that have to keep up with a load',
  workloads: [...all.keys()],
  open: (call) => new ScenariosRun(call),
};

class ScenariosRun implements Run {
  readonly #call: Call;
  #nodes: LocalNodes | undefined;
  #postgres: LocalPostgres | undefined;
  #stage: Stage | undefined;
  #isStopped = false;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { rounds, quick, progress, command, workloads } = this.#call;
    const environment: Record<string, string> = {
      ...describeMachine(),
      Holdfast: manifestOf('@holdfast/workflow').version,
    };
    this.#postgres = await startPostgres();
    const found = new Map<string, Findings>();
    for (const [scenario, { measure }] of all) {
      if (!workloads.has(scenario) || this.#isStopped) continue;
      this.#nodes = await startNodes(1);
      const [redis = ''] = this.#nodes.urls;
      this.#stage = new Stage({
        scenario,
        servers: { redis, postgres: this.#postgres.url },
        redis: new Redis(redis),
        observer: new NodeObserver([redis]),
        rounds: quick ? 1 : rounds,
        quick,
        progress: (message) => progress(`${scenario}: ${message}`),
      });
      environment['redis'] = `${await this.#stage.observer.redisVersion()}, without persistence`;
      found.set(scenario, await measure(this.#stage));
      await this.#leave();
    }
    environment['load after'] = describeMachine()['load before'] ?? '';
    const findings = [...found.values()];
    return {
      title: 'Durable workflows: scenarios',
      command,
      environment: { ...environment, rounds: String(quick ? 1 : rounds) },
      targets: findings.flatMap(({ targets }) => targets),
      tables: findings.flatMap(({ tables }) => tables),
      remarks: findings.flatMap(({ remarks = [] }) => remarks),
      data: new Map([...found].map(([name, { data }]) => [name, data])),
    };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#leave(), this.#postgres?.stop()]);
  }

  async #leave(): Promise<void> {
    this.#stage?.end();
    this.#stage?.redis.disconnect();
    this.#stage?.observer.close();
    await this.#nodes?.stop();
  }
}
