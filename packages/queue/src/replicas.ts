/**
 * Waiting until replicas have what was written: one WAIT for all who ask while another is under way.
 *
 * Guarantees: who is told that replicas have it was told by a WAIT that was sent after his write was answered.
 */
import { UnavailableError } from '@holdfast/kernel';
import type { RedisNode } from '@holdfast/redis';

export interface ReplicasOptions {
  /** How many must have it. */
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

  /** Resolves when replicas have all that was answered before. Throws UnavailableError when too few have it in time. */
  async confirm(): Promise<void> {
    const { count, timeout } = this.#options;
    const have = await this.#ask().catch((cause: unknown) => {
      throw this.#failure(cause instanceof Error ? cause.message : String(cause));
    });
    if (have < count) throw this.#failure(`${have} of ${count} replicas have it after ${timeout} ms`);
  }

  /** One that is under way may have been sent before the write of who asks now. */
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

  #failure(reason: string): UnavailableError {
    return new UnavailableError(
      'The task is added, but too few replicas are known to have it, so a failover may lose it. An add with an id may be repeated.',
      [{ node: this.#node.address, reason }],
    );
  }
}
