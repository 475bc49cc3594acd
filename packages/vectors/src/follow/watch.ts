/**
 * Keeps a follower up to date: it looks when it is rung, and from time to time, because a ring may be lost.
 *
 * Guarantees: nothing begins before the first `start`, and nothing goes on after `close`. What fails is tried again.
 */
import { type Clock, pause } from '@holdfast/kernel';
import type { Truth } from '../truth/truth.js';
import type { Follower } from './follower.js';

/** How often it looks, without being rung, in ms. */
const LOOK = 1_000;
/** How often it looks for what Redis keeps no longer, in ms. */
const PURGE = 60_000;

export class Watch {
  readonly #follower: Follower;
  readonly #truth: Truth;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #started = false;

  constructor(follower: Follower, truth: Truth, clock: Clock) {
    this.#follower = follower;
    this.#truth = truth;
    this.#clock = clock;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#listen();
    void this.#look();
  }

  close(): void {
    this.#closing.abort();
  }

  async #listen(): Promise<void> {
    for await (const _ of this.#truth.rings(this.#closing.signal))
      void this.#try(() => this.#follower.look());
  }

  async #look(): Promise<void> {
    const { signal } = this.#closing;
    let purged = this.#clock.now();
    for (;;) {
      await pause(this.#clock, LOOK, signal);
      if (signal.aborted) return;
      await this.#try(() => this.#follower.look());
      if (this.#clock.now() - purged < PURGE) continue;
      purged = this.#clock.now();
      await this.#try(() => this.#follower.purge());
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    await work().catch(() => {}); // the follower keeps why, and the next look tries again
  }
}
