/**
 * Where a scenario takes place: servers, and the processes that are started for it.
 *
 * Guarantees: every process is known to the stage, which ends it when the scenario is over, however that ends.
 */
import type { Redis } from 'ioredis';
import { MeasuringProcess, processFile } from '../harness/process.js';
import type { NodeObserver } from '../redis-info.js';

export interface Servers {
  /** `redis://…`, or `redis-cluster://…`. */
  readonly redis: string;
  /** `postgres://…`, or empty. */
  readonly postgres: string;
}

/** What a process has used since it began. */
export interface Usage {
  /** CPU time, in microseconds. */
  readonly cpu: number;
  /** Resident memory, in bytes. */
  readonly rss: number;
}

/** A process of a scenario. It is asked one thing at a time. */
export class Actor {
  readonly #process: MeasuringProcess;

  constructor(process: MeasuringProcess) {
    this.#process = process;
  }

  ask<T>(call: string, given?: unknown): Promise<T> {
    return this.#process.ask<T>({ call, given });
  }

  usage(): Promise<Usage> {
    return this.#process.ask<Usage>({ call: 'usage' });
  }

  freeze(): void {
    this.#process.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process.signal('SIGCONT');
  }

  /** By SIGKILL. */
  kill(): void {
    this.#process.stop();
  }
}

export class Stage {
  /** The name of the scenario. */
  readonly scenario: string;
  readonly servers: Servers;
  readonly redis: Redis;
  readonly observer: NodeObserver;
  readonly rounds: number;
  readonly quick: boolean;
  readonly progress: (message: string) => void;
  readonly #processes = new Set<MeasuringProcess>();

  constructor(
    parts: Pick<Stage, 'scenario' | 'servers' | 'redis' | 'observer' | 'rounds' | 'quick' | 'progress'>,
  ) {
    this.scenario = parts.scenario;
    this.servers = parts.servers;
    this.redis = parts.redis;
    this.observer = parts.observer;
    this.rounds = parts.rounds;
    this.quick = parts.quick;
    this.progress = parts.progress;
  }

  /** A process in one of the scenario's roles that is ready. `servers` are other ones than those of the stage. */
  async start(role: string, given: unknown = {}, servers: Servers = this.servers): Promise<Actor> {
    const { redis, postgres } = servers;
    const file = processFile(import.meta.url, 'actor-process');
    const started = new MeasuringProcess(file, [this.scenario, role, redis, postgres, JSON.stringify(given)]);
    this.#processes.add(started);
    await started.started();
    return new Actor(started);
  }

  /** Ends all processes, and empties Redis. */
  async clear(): Promise<void> {
    this.end();
    await this.redis.flushall();
  }

  end(): void {
    for (const each of this.#processes) each.stop();
    this.#processes.clear();
  }

  /** Of Redis, in bytes. */
  async memory(): Promise<number> {
    return (await this.observer.counters()).memory;
  }
}
