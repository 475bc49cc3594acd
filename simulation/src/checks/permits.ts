/**
 * How many permits of a semaphore may be valid while its number changes, as its clients were told.
 *
 * Guarantees: a change counts from when somebody asks for it, and for as long as it may be the last: until one that was
 * asked for after it had ended has ended well. One that failed may have been carried out.
 */

/** One change that somebody asks for. */
export interface Change {
  readonly permits: number;
  readonly began: number;
  ended: number;
}

export class PermitNumber {
  /** Those of which each may be the last. */
  #candidates: readonly Change[];
  readonly #all: Change[];
  /** What the clients were told last. */
  told: number;

  constructor(permits: number) {
    this.told = permits;
    const first = { permits, began: 0, ended: 0 };
    this.#candidates = [first];
    this.#all = [first];
  }

  get most(): number {
    return Math.max(...this.#candidates.map(({ permits }) => permits));
  }

  begin(permits: number, now: number): Change {
    const change = { permits, began: now, ended: Number.POSITIVE_INFINITY };
    this.#candidates = [...this.#candidates, change];
    this.#all.push(change);
    return change;
  }

  end(change: Change, now: number, isDone: boolean): void {
    change.ended = now;
    if (!isDone) return;
    this.told = change.permits;
    this.#candidates = this.#candidates.filter(({ ended }) => ended >= change.began);
  }

  /** Whether the number may have become `permits` since. */
  mayHaveBecome(permits: number, since: number): boolean {
    return this.#all.some((change) => change.permits === permits && change.ended >= since);
  }
}
