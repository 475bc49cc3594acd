/**
 * Where a workload is measured: fresh servers, and the processes that are started for it.
 *
 * Guarantees: every process is known to the stage, which ends it when the workload is over, however that ends.
 */
import type { Redis } from 'ioredis';
import { MeasuringProcess, processFile } from '../harness/process.js';
import type { Numbers } from '../harness/results.js';
import type { NodeObserver } from '../redis-info.js';
import type { Peer, Role, Servers } from './peers/peer.js';
import type { Plan } from './plan.js';

export class Stage {
  readonly servers: Servers;
  readonly redis: Redis;
  readonly observer: NodeObserver;
  readonly plan: Plan;
  readonly #processes = new Set<MeasuringProcess>();

  constructor(parts: Pick<Stage, 'servers' | 'redis' | 'observer' | 'plan'>) {
    this.servers = parts.servers;
    this.redis = parts.redis;
    this.observer = parts.observer;
    this.plan = parts.plan;
  }

  /** A process of a peer that is ready. */
  async start(peer: Peer, role: Role): Promise<MeasuringProcess> {
    const { redis, postgres } = this.servers;
    const file = processFile(import.meta.url, 'peer-process');
    const started = new MeasuringProcess(file, [peer.name, role, redis, postgres]);
    this.#processes.add(started);
    await started.started();
    return started;
  }

  /** Ends all processes. */
  clear(): void {
    for (const each of this.#processes) each.stop();
    this.#processes.clear();
  }
}

/** Measures one peer in one round. Gives nothing for a peer that it does not ask. */
export type Workload = (peer: Peer, stage: Stage) => Promise<Numbers>;
