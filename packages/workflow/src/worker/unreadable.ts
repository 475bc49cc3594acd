/**
 * Runs whose data the codec of a worker does not decode or encode: while a key is new, some workers have it and others do not
 * yet. What was not decoded is given back, and what was not encoded is tried again.
 *
 * Guarantees: as long as one of them may come back to this worker, or waits here, there is a `problem`. The first of them is reported.
 */
import { type Clock, messageOf } from '@holdfast/kernel';
import type { Report } from '@holdfast/redis';

/** After so many ms, such a run may be claimed, or its data encoded, again. */
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
    return `it cannot decode, or encode, what ${this.#runs.size} runs hold, such as ${run}: ${why}`;
  }

  /** By how many ms others may be before it where something is due: they may be able to decode it. */
  get start(): number {
    return this.problem === undefined ? 0 : START;
  }

  add(run: string, error: unknown): void {
    if (this.problem === undefined) this.#report(error);
    // Another worker may have it next; here it is back within that time, also if the codec answers late.
    this.#runs.set(run, { why: messageOf(error), until: this.#clock.now() + 8 * UNREADABLE });
  }

  /** This one can be decoded, and encoded. */
  remove(run: string): void {
    this.#runs.delete(run);
  }
}
