/** Long work in slices, between which the event loop does everything else. */
import { setImmediate as turn } from 'node:timers/promises';

/** In ms, that one slice takes. */
const SLICE = 2;

export class Slices {
  #began = performance.now();

  /** Resolves at once, or, when the slice is over, after a turn of the event loop. */
  async next(): Promise<void> {
    if (performance.now() - this.#began < SLICE) return;
    await turn();
    this.#began = performance.now();
  }
}
