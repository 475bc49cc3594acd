/**
 * Runs of a partition in memory that are kept for an archive: what lua/archives.lua does. For tests of workflows only.
 */

/** In ms. */
const [PATIENCE, DAYS] = [300_000, 30 * 86_400_000];

export class MemoryArchives {
  readonly #now: () => number;
  /** When they may be handed over, in ms, and the token under which they were. */
  readonly #runs = new Map<string, { readonly at: number; readonly token: number }>();
  /** Runs that end until then are kept. */
  #until = 0;

  /** `now`: in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  begin(): void {
    this.#until = this.#now() + DAYS;
  }

  /** A run has ended; gives for how many ms it is kept. */
  kept(run: string, retain: number): number {
    if (this.#until <= this.#now()) return retain;
    this.#runs.set(run, { at: this.#now() + retain, token: 0 });
    return retain + DAYS;
  }

  handOver(most: number, token: (run: string) => number | undefined): readonly string[] {
    const runs = [...this.#runs].sort(([, a], [, b]) => a.at - b.at);
    const due = runs.filter(([, { at }]) => at <= this.#now()).slice(0, most);
    return due.flatMap(([run]) => {
      const its = token(run);
      if (its === undefined) this.#runs.delete(run);
      else this.#runs.set(run, { at: this.#now() + PATIENCE, token: its });
      return its === undefined ? [] : run;
    });
  }

  tokenOf(run: string): number | undefined {
    return this.#runs.get(run)?.token;
  }
}
