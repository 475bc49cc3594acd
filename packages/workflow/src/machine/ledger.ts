/**
 * What has to be undone, should the run fail or be cancelled.
 *
 * Guarantees: entries are undone one after another, from the last to the first, each once. An entry counts from the moment
 * at which the journal has it, which is before the body of its step begins.
 */
import type { StepSettings, Undo } from '../step/options.js';

export interface Entry {
  /** Its place in the ledger, from 0: it is undone as the step "~<number>". */
  readonly number: number;
  readonly name: string;
  readonly undo: Undo;
  readonly settings: StepSettings;
  /** The place in the journal of the record that made it, or of the last before it. */
  readonly place: number;
  /** What the step gave; undefined while it is not known that it was done. */
  done: { readonly value: unknown } | undefined;
}

export class Ledger {
  #open: Entry[] = [];
  readonly #bySteps = new Map<string, Entry>();
  #count = 0;
  /** What was made before that place of the journal is another run's. */
  kept = 0;

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  add({ step, ...entry }: Omit<Entry, 'number'> & { readonly step?: string }): void {
    const made = { ...entry, number: this.#count };
    this.#count += 1;
    if (made.place >= this.kept) this.#open.push(made);
    if (step !== undefined) this.#bySteps.set(step, made);
  }

  /** A step is done. */
  done(step: string, value: unknown): void {
    const entry = this.#bySteps.get(step);
    if (entry) entry.done = { value };
  }

  /** The place of the earliest entry. */
  get from(): number {
    return Math.min(...this.#open.map(({ place }) => place));
  }

  /** Takes the last. */
  take(): Entry | undefined {
    return this.#open.pop();
  }

  /** What is in it by now stays done. */
  settle(): void {
    this.#open = [];
  }
}
