/**
 * Judges the archive: each run that is over is handed to it as it was, before it goes, under a token above all that it had.
 */
import type { ArchivedRun } from '@holdfast/workflow';
import type { Violate } from '../run/part.js';
import type { Journals } from './journals.js';
import { runNamed } from './names.js';

export class Archived {
  readonly #journals: Journals;
  readonly #violate: Violate;
  readonly #tokens = new Map<string, number>();
  /** Since when a worker has an archive, in ms by the server. */
  #since = Number.POSITIVE_INFINITY;
  /** Runs that the archive has, by their ends. */
  readonly #kept = new Map<string, string>();

  constructor(journals: Journals, violate: Violate) {
    this.#journals = journals;
    this.#violate = violate;
  }

  /** A worker with an archive says so. */
  served(now: number): void {
    this.#since = Math.min(this.#since, now);
  }

  /** A run is handed over. Whether it was before. */
  handedOver({ workflow, id, key, token, records }: ArchivedRun): boolean {
    const run = runNamed(workflow, id, key);
    const journal = this.#journals.of(run);
    const before = this.#tokens.get(run) ?? journal?.endedUnder ?? 0;
    if (token <= before)
      this.#violate('archive', `${run} is handed over under ${token}, but ${before} was before`);
    this.#tokens.set(run, Math.max(before, token));
    if (records.length !== journal?.texts.length || records.at(-1)?.kind !== 'end')
      this.#violate(
        'archive',
        `${run} is handed over with ${records.length} records, but has ${journal?.texts.length}`,
      );
    return before > (journal?.endedUnder ?? 0);
  }

  /** The archive has it: from now on it may go. */
  kept({ workflow, id, key }: ArchivedRun): void {
    const run = runNamed(workflow, id, key);
    this.#kept.set(run, this.#journals.of(run)?.end ?? '');
  }

  /** A run is gone. */
  isGone(run: string): void {
    if (this.#kept.get(run) !== this.#journals.of(run)?.end)
      this.#violate('archive', `${run} is gone, but the archive does not have it`);
  }

  /** In the end the archive has all that ended since there is one. `runs`: what OVER says of each. */
  judge(runs: ReadonlyMap<string, string>): void {
    for (const [run, ended] of runs)
      if (Number.parseInt(ended, 10) > this.#since && !this.#kept.has(run))
        this.#violate('archive', `${run} was not handed over`);
  }
}
