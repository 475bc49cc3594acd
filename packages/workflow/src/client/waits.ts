/**
 * Who waits for the ends of runs in this process. An end is told to its mailbox; what may have been missed is asked for.
 *
 * Guarantees: a wait settles with the run's end, or rejects when the run is stuck or gone. Whenever the mailbox begins to
 * listen anew, and now and then besides, every wait asks again.
 */
import { type Clock, pause } from '@holdfast/kernel';
import { decodeRecord, type Outcome } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Found, Store } from '../store/store.js';

/** How a run has come to rest. */
export type Rest =
  | Outcome
  | { readonly status: 'stuck'; readonly reason: string }
  | { readonly status: 'gone' };

export class Waits {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #mailbox: string;
  readonly #waiting = new Map<string, Set<(rest: Rest | undefined) => void>>();

  constructor({ store, clock, mailbox }: { store: Store; clock: Clock; mailbox: string }) {
    this.#store = store;
    this.#clock = clock;
    this.#mailbox = mailbox;
  }

  /** The end of a run, or that it is stuck. */
  hear(text: string): void {
    const end = text.indexOf('\n');
    const [run, rest] = [text.slice(1, end), text.slice(end + 1)];
    if (text.startsWith('e'))
      this.#tell(
        run,
        readable(() => outcomeOf(rest)),
      );
    else if (text.startsWith('s')) this.#tell(run, { status: 'stuck', reason: rest });
  }

  /** Mail may have been missed: all ask again. */
  askAgain(): void {
    for (const run of [...this.#waiting.keys()]) this.#tell(run, undefined);
  }

  /** Undefined if `signal` aborts first. Rejects with what a call rejects with. */
  async wait({ run, generation }: RunRef, signal: AbortSignal): Promise<Rest | undefined> {
    let known = generation;
    while (!signal.aborted) {
      const heard = this.#hearing(run, signal);
      try {
        const found = await this.#store.find({ run, generation: known }, this.#mailbox);
        if (found.word === 'gen') {
          known = found.generation;
          continue;
        }
        const rest = restOf(found) ?? (await heard.rest);
        if (rest) return rest;
      } finally {
        heard.stop();
      }
    }
    return undefined;
  }

  #hearing(run: string, signal: AbortSignal): { rest: Promise<Rest | undefined>; stop: () => void } {
    const waiting = this.#waiting.get(run) ?? new Set();
    this.#waiting.set(run, waiting);
    const over = new AbortController();
    let stop = (): void => {};
    const rest = new Promise<Rest | undefined>((resolve) => {
      const settle = (told: Rest | undefined): void => {
        waiting.delete(settle);
        if (waiting.size === 0 && this.#waiting.get(run) === waiting) this.#waiting.delete(run);
        over.abort();
        resolve(told);
      };
      waiting.add(settle);
      stop = () => settle(undefined);
      void pause(this.#clock, this.#store.askAgain, signal, over.signal).then(stop);
    });
    return { rest, stop: () => stop() };
  }

  #tell(run: string, rest: Rest | undefined): void {
    for (const settle of [...(this.#waiting.get(run) ?? [])]) settle(rest);
  }
}

function restOf(found: Exclude<Found, { word: 'gen' }>): Rest | undefined {
  if (found.word === 'unknown') return { status: 'gone' };
  if (found.word === 'over') return outcomeOf(found.detail);
  return found.word === 'stuck' ? { status: 'stuck', reason: found.detail } : undefined;
}

/** Of mail that cannot be decoded, nothing: those who wait ask, and are told why. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** From the last record of a run that is over. */
export function outcomeOf(text: string): Outcome {
  const record = decodeRecord(text);
  if (record.kind !== 'end')
    throw new Error(`the last record of a run that is over is its end; got a ${record.kind}`);
  return record.outcome;
}
