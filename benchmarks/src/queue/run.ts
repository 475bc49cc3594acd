/**
 * The queue benchmark: task queues on one Redis, interleaved round by round.
 *
 * Guarantees: whatever happens, `stop` ends the server and every process that was started.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { note, type Results } from '../harness/results.js';
import { turns } from '../harness/turns.js';
import { NodeObserver } from '../redis-info.js';
import { manifestOf } from '../versions.js';
import { contestants } from './contestants.js';
import type { Crew } from './crew.js';
import { type Plan, planOf } from './plan.js';
import { reportQueue } from './tables.js';
import { workloads } from './workloads.js';

/** `npm run bench -- queue`. */
export const queue: Benchmark = {
  about: 'task queues on one Redis: throughput, latency, memory, a frozen worker, a full queue',
  workloads: [...workloads.keys()],
  open: (call) => new QueueBenchmark(call),
};

class QueueBenchmark implements Run {
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #crews = new Set<Crew>();
  #nodes: LocalNodes | undefined;
  #redis: Redis | undefined;
  #observer: NodeObserver | undefined;

  constructor(call: Call) {
    this.#call = call;
    this.#plan = planOf(call.rounds, call.quick);
  }

  async run(): Promise<Report> {
    const environment = describeMachine();
    this.#nodes = await startNodes(1);
    const [url = ''] = this.#nodes.urls;
    this.#redis = new Redis(url);
    this.#observer = new NodeObserver([url]);
    environment['redis'] = `${await this.#observer.redisVersion()}, without persistence`;
    for (const { name, package: from } of contestants) environment[name] = manifestOf(from).version;
    const stage = {
      url,
      plan: this.#plan,
      redis: this.#redis,
      observer: this.#observer,
      onCrew: (crew: Crew) => void this.#crews.add(crew),
    };
    const results: Results = new Map();
    for (let round = 0; round < this.#plan.rounds; round += 1) {
      for (const [workload, measure] of workloads) {
        if (!this.#call.workloads.has(workload)) continue;
        for (const contestant of turns(contestants, round)) {
          this.#call.progress(`round ${round + 1}: ${workload}, ${contestant.name}`);
          await this.#redis.flushall();
          note(results, { workload, contestant: contestant.name }, await measure(contestant, stage));
        }
      }
    }
    await this.stop();
    environment['load after'] = describeMachine()['load before'] ?? '';
    return reportQueue(results, this.#plan, { environment, command: this.#call.command });
  }

  async stop(): Promise<void> {
    for (const crew of this.#crews) crew.kill();
    this.#redis?.disconnect();
    this.#observer?.close();
    await this.#nodes?.stop();
  }
}
