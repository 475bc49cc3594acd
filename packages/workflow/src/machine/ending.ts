/**
 * The end of a run, once its function has ended: its bodies end, then what is in the ledger is undone, if the function has
 * failed or was cancelled, and then the run is over.
 *
 * Guarantees: nothing is undone while a body goes on, nor before the journal has that the ledger is undone. Entries are undone
 * one after another, each in the turn of the record that ends the one before it.
 */
import type { Outcome } from '../journal/record.js';
import type { StepBody, Undone } from '../step/options.js';
import { newStep } from './begun.js';
import type { Calls } from './calls.js';
import type { Ledger } from './ledger.js';
import { Scope } from './scope.js';
import { astray, type Stray } from './stray.js';

interface EndingParts {
  readonly calls: Calls;
  readonly ledger: Ledger;
  /** Undefined if no body goes on; else resolves when none does, or has gone on for too long. */
  readonly quiet: () => Promise<void> | undefined;
  /** The bodies that were waited for have ended: it is to be concluded. */
  readonly onQuiet: () => void;
}

export class Ending {
  /** How the run has ended. */
  outcome: Outcome | undefined;
  readonly #parts: EndingParts;
  /** How the function has ended. */
  #given: Outcome | undefined;
  /** Whether bodies are waited for, have ended, the ledger is about to be undone, or is being undone. */
  #stage: 'waiting' | 'quiet' | 'asked' | 'undoing' | undefined;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** Whether the function has ended. */
  get hasBegun(): boolean {
    return this.#given !== undefined;
  }

  /** Whether the function has ended, and there are no calls that undo what it did. */
  get isBetweenCalls(): boolean {
    return this.hasBegun && this.#stage !== 'undoing';
  }

  begin(given: Outcome): void {
    this.#given = given;
    this.#parts.calls.end(() => new Error('the run has ended'));
  }

  /** Takes the next step towards the end, if the function has ended and all that is known was handed over. */
  conclude(): void {
    const { calls, ledger } = this.#parts;
    if (!this.#given || this.outcome) return;
    this.#stage ??= this.#awaitQuiet();
    if (this.#stage !== 'quiet') return;
    if (this.#given.status !== 'completed') {
      if (calls.isEntering) return; // it comes to the ledger first
      if (!ledger.isEmpty) {
        this.#stage = 'asked';
        calls.out.push({ kind: 'undoing', from: ledger.from });
        return;
      }
    }
    this.outcome = this.#given;
  }

  /** The journal has that the ledger is undone from here on. Gives how the function contradicts that, if it does. */
  undo(): Stray | undefined {
    if (this.#given === undefined || this.#given.status === 'completed') {
      const has = this.#given ? 'has completed' : 'has not ended';
      return astray(`there what was done is undone, and the function ${has}`);
    }
    this.#stage = 'undoing';
    this.#undoNext(this.#given);
    return undefined;
  }

  #awaitQuiet(): 'waiting' | 'quiet' {
    const quiet = this.#parts.quiet();
    if (quiet === undefined) return 'quiet';
    void quiet.then(() => {
      this.#stage = 'quiet';
      this.#parts.onQuiet();
    });
    return 'waiting';
  }

  #undoNext(outcome: Outcome): void {
    const { calls, ledger } = this.#parts;
    const entry = ledger.take();
    if (entry === undefined) {
      this.outcome = outcome;
      return;
    }
    const { number, name, undo, settings, done } = entry;
    const undone: Undone = done ? { outcome: 'done', ...done } : { outcome: 'unknown' };
    const step = { id: `~${number}`, name: `undo ${name}`, of: undefined, mode: 'undo' } as const;
    const body: StepBody<unknown> = (holder) => undo(holder, undone);
    const own = { ...step, body, settings: { ...settings, undo: undefined, schema: undefined } };
    const { end } = calls.add(new Scope('~'), (settle) => newStep(own, settle));
    end.then(
      () => this.#undoNext(outcome),
      () => {},
    );
  }
}
