/**
 * Room for runs that the loops of one worker share, one of which works on each partition.
 *
 * Guarantees: what is taken by all of them is never more than the size. A loop may take a share of what is free, so that
 * one of them cannot keep the others waiting for the answer to its call.
 */
export class Room {
  readonly #loops: (() => void)[] = [];
  readonly #size: number;
  #free: number;
  #turn = 0;

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  /** Whether less than half of it is taken. */
  get isAmple(): boolean {
    return this.#free * 2 > this.#size;
  }

  /** `onFree`: there may be room again. */
  join(onFree: () => void): void {
    this.#loops.push(onFree);
  }

  /** Gives how many were taken, at most `most`; 0 if there is no room. */
  take(most: number): number {
    const taken = Math.min(most, Math.ceil(this.#free / this.#loops.length));
    this.#free -= taken;
    return taken;
  }

  give(count: number): void {
    if (count === 0) return;
    this.#free += count;
    this.#turn = (this.#turn + 1) % this.#loops.length;
    for (let index = 0; index < this.#loops.length; index += 1) {
      this.#loops[(this.#turn + index) % this.#loops.length]?.();
    }
  }
}
