/** Long work in slices, between which the event loop does everything else. */
import type { Clock } from '@holdfast/kernel';

/** In ms, that one slice takes. */
const SLICE = 2;

export class Slices {
  readonly #clock: Clock;
  #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** Resolves at once, or, when the slice is over, after what has arrived meanwhile was handled. */
  async next(): Promise<void> {
    if (this.#clock.now() - this.#began < SLICE) return;
    await new Promise<void>((resolve) => this.#clock.afterInput(resolve));
    this.#began = this.#clock.now();
  }
}
