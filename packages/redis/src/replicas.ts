/**
 * Waiting until replicas have acknowledged writes: one WAIT for all callers that ask while another is under way.
 *
 * Guarantees: when a caller learns that replicas have its write, it is by a WAIT that was sent after that write was
 * answered.
 */
import type { RedisNode } from './node.js';

export interface ReplicasOptions {
  /** How many replicas must have a write. */
  readonly count: number;
  /** In ms. */
  readonly timeout: number;
}

export class Replicas {
  readonly #node: RedisNode;
  readonly #options: ReplicasOptions;
  #asking: Promise<number> | undefined;
  #next: Promise<number> | undefined;

  constructor(node: RedisNode, options: ReplicasOptions) {
    this.#node = node;
    this.#options = options;
  }

  /** Resolves when replicas have everything that was answered before. Rejects when too few have it in time. */
  async confirm(): Promise<void> {
    const { count, timeout } = this.#options;
    const have = await this.#ask();
    if (have < count) throw new Error(`${have} of ${count} replicas have it after ${timeout} ms`);
  }

  /** A WAIT that is under way may have been sent before the write of the caller that asks now. */
  #ask(): Promise<number> {
    if (this.#asking === undefined) {
      this.#asking = this.#send();
      return this.#asking;
    }
    this.#next ??= this.#asking
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        this.#asking = this.#send();
        return this.#asking;
      });
    return this.#next;
  }

  #send(): Promise<number> {
    const { count, timeout } = this.#options;
    const sent = this.#node.replicated(count, timeout);
    const done = (): void => {
      if (this.#asking === sent) this.#asking = undefined;
    };
    sent.then(done, done);
    return sent;
  }
}
