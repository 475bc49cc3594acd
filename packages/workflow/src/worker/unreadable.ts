/**
 * Runs that a worker has given back because it cannot decode what they hold: while a key is new, some workers have it and
 * others do not yet.
 *
 * Guarantees: as long as one of them may come back to this worker, there is a `problem`. The first of them is reported.
 */
import { type Clock, messageOf } from '@holdfast/kernel';
import type { Report } from '@holdfast/redis';

/** After so many ms, such a run may be claimed again. */
export const UNREADABLE = 5_000;
const START = 1_000;

export class UnreadableRuns {
  readonly #clock: Clock;
  readonly #report: Report;
  readonly #runs = new Map<string, { readonly why: string; readonly until: number }>();

  constructor(clock: Clock, report: Report) {
    this.#clock = clock;
    this.#report = report;
  }

  get problem(): string | undefined {
    const now = this.#clock.now();
    for (const [run, { until }] of this.#runs) if (until <= now) this.#runs.delete(run);
    const [first] = this.#runs;
    if (first === undefined) return undefined;
    const [run, { why }] = first;
    return `it gives back what it cannot decode, so far ${this.#runs.size} runs, such as ${run}: ${why}`;
  }

  /** By how many ms others may be before it where something is due: they may be able to decode it. */
  get start(): number {
    return this.problem === undefined ? 0 : START;
  }

  add(run: string, error: unknown): void {
    if (this.problem === undefined) this.#report(error);
    // Another worker may have it next.
    this.#runs.set(run, { why: messageOf(error), until: this.#clock.now() + 3 * UNREADABLE });
  }

  /** This one can be decoded. */
  remove(run: string): void {
    this.#runs.delete(run);
  }
}
