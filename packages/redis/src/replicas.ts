/**
 * Waiting until replicas have acknowledged writes: one WAIT for all callers that ask while another is under way.
 *
 * Guarantees: when a caller learns that replicas have its write, it is by a WAIT that was sent after that write was
 * answered.
 */
import type { RedisNode } from './node.js';
import { SharedCall } from './shared-call.js';

export interface ReplicasOptions {
  /** How many replicas must have a write. */
  readonly count: number;
  /** In ms. */
  readonly timeout: number;
}

export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #acknowledged: SharedCall<number>;

  constructor(node: RedisNode, options: ReplicasOptions) {
    const { count, timeout } = options;
    this.#options = options;
    this.#acknowledged = new SharedCall(() => node.replicated(count, timeout));
  }

  /** Resolves when replicas have everything that was answered before. Rejects when too few have it in time. */
  async confirm(): Promise<void> {
    const { count, timeout } = this.#options;
    const have = await this.#acknowledged.ask();
    if (have < count) throw new Error(`${have} of ${count} replicas have it after ${timeout} ms`);
  }
}
