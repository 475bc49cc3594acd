/**
 * What the benchmarks of the feature store share: servers, processes that play a role, and a report of metrics by contestant.
 *
 * Guarantees: everything that was started is ended by `stop`, the last first, whenever it is called.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { describeMachine, type Report } from '../harness/report.js';
import { type Numbers, note, type Results, valuesOf } from '../harness/results.js';
import { type Spread, spread } from '../harness/statistics.js';
import { NodeObserver } from '../redis-info.js';

export interface Server {
  readonly url: string;
  readonly redis: Redis;
  readonly observer: NodeObserver;
  readonly nodes: LocalNodes;
}

/** What was found, beside the numbers that were noted. */
type Found = Pick<Report, 'targets' | 'tables' | 'remarks'>;

export interface Stated {
  readonly about: string;
  readonly title: string;
  readonly workloads: readonly string[];
  readonly rounds?: number;
  readonly measure: (stand: Stand) => Promise<Found>;
}

export const onStand = ({ about, title, workloads, rounds = 5, measure }: Stated): Benchmark => ({
  about,
  workloads,
  rounds,
  open: (call) => new StandRun(call, title, measure),
});

export class Stand {
  readonly call: Call;
  readonly results: Results = new Map();
  readonly #closing: (() => unknown)[] = [];

  constructor(call: Call) {
    this.call = call;
  }

  /** One number for a quick run, and another for one that counts. */
  pick<T>(whole: T, quick: T): T {
    return this.call.quick ? quick : whole;
  }

  later(close: () => unknown): void {
    this.#closing.push(close);
  }

  async server(): Promise<Server> {
    const nodes = await startNodes(1);
    this.later(() => nodes.stop());
    const [url = ''] = nodes.urls;
    const redis = new Redis(url);
    this.later(() => redis.disconnect());
    const observer = new NodeObserver([url]);
    this.later(() => observer.close());
    return { url, redis, observer, nodes };
  }

  /** A process in a role, ready to be asked. */
  async play(role: string, ...args: readonly string[]): Promise<MeasuringProcess> {
    const process = new MeasuringProcess(processFile(import.meta.url, 'role-process'), [role, ...args]);
    this.later(() => process.stop());
    await process.started();
    return process;
  }

  note(workload: string, contestant: string, numbers: Numbers): void {
    note(this.results, { workload, contestant }, numbers);
  }

  spread(metric: string, contestant: string): Spread {
    return spread(valuesOf(this.results, metric, contestant));
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}

class StandRun implements Run {
  readonly #stand: Stand;
  readonly #title: string;
  readonly #measure: Stated['measure'];

  constructor(call: Call, title: string, measure: Stated['measure']) {
    this.#stand = new Stand(call);
    this.#title = title;
    this.#measure = measure;
  }

  async run(): Promise<Report> {
    const { command, rounds } = this.#stand.call;
    const environment = describeMachine();
    const found = await this.#measure(this.#stand);
    const after = describeMachine()['load before'] ?? '';
    return {
      title: this.#title,
      command,
      environment: { ...environment, 'load after': after, rounds: String(rounds) },
      ...found,
      data: this.#stand.results,
    };
  }

  stop(): Promise<void> {
    return this.#stand.close();
  }
}

/** CPU time of this process in microseconds, and its peak memory in MB. */
export function usage(): { readonly cpu: number; readonly peak: number } {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { cpu: userCPUTime + systemCPUTime, peak: maxRSS / 1_024 };
}

/** Work number 0, 1, … up to `count`, `most` at a time. */
export async function inParallel(
  count: number,
  most: number,
  work: (turn: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: most }, one));
}
