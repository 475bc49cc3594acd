/**
 * Which generation of each view is read, held for a lease: a second from before it was asked, by this process's clock.
 * Whoever ends a generation waits that long first, so within the lease none that is held has ended.
 *
 * Guarantees: pointers whose lease is over are not given out. Half way through, they are asked for again while the present
 * ones are still used, so reads do not wait for them. Several that wait share one question.
 */
import { type Clock, MisuseError } from '@holdfast/kernel';
import type { Catalog, Pointers } from '../store/catalog.js';

/** How long pointers are held, in ms. */
export const POINTER_LEASE = 1_000;

export interface HeldPointers extends Pointers {
  /** On the process's clock: before they were asked for. */
  readonly asked: number;
}

export class PointerLease {
  readonly #catalog: Catalog;
  readonly #views: readonly string[];
  readonly #clock: Clock;
  readonly #store: string;
  #held: HeldPointers | undefined;
  #asking: Promise<HeldPointers> | undefined;

  constructor(catalog: Catalog, views: readonly string[], { store, clock }: { store: string; clock: Clock }) {
    this.#catalog = catalog;
    this.#views = views;
    this.#store = store;
    this.#clock = clock;
  }

  /** Those that may still be used for a while, so that a read need not wait; undefined if they must be asked for. */
  get fresh(): HeldPointers | undefined {
    const held = this.#held;
    return held !== undefined && this.#clock.now() - held.asked < POINTER_LEASE / 2 ? held : undefined;
  }

  /** Throws UnavailableError; MisuseError if the store's definitions were not applied. */
  async get(): Promise<HeldPointers> {
    const held = this.#held;
    const age = held === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - held.asked;
    if (held !== undefined && age < POINTER_LEASE / 2) return held;
    const asking = this.#ask();
    if (held === undefined || age >= POINTER_LEASE) return asking;
    asking.catch(() => {}); // the next read asks again, and waits for it once the lease is over
    return held;
  }

  /** Whether the lease of pointers that were given out is still good. */
  isHeld({ asked }: HeldPointers): boolean {
    return this.#clock.now() - asked < POINTER_LEASE;
  }

  /** The server's time, in microseconds, by the pointers and the process's clock. */
  timeBy({ time, asked }: HeldPointers): number {
    return time + Math.round((this.#clock.now() - asked) * 1_000);
  }

  /** Forgets what is held, as after a change. */
  drop(): void {
    this.#held = undefined;
    this.#asking = undefined;
  }

  #ask(): Promise<HeldPointers> {
    if (this.#asking) return this.#asking;
    const asking = this.#fetch().finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }

  async #fetch(): Promise<HeldPointers> {
    const asked = this.#clock.now();
    const pointers = await this.#catalog.pointers(this.#views);
    if (pointers === undefined) {
      throw new MisuseError(
        `Nothing was applied to the feature store "${this.#store}" yet; call apply() once, as when the program is deployed.`,
      );
    }
    const held = { ...pointers, asked };
    if (this.#held === undefined || held.n >= this.#held.n) this.#held = held;
    return held;
  }
}
