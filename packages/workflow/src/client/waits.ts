/**
 * Who waits for the ends of runs in this process. An end is told to its mailbox; what may have been missed is asked for.
 *
 * Guarantees: a wait settles with the run's end, or rejects when the run is stuck or gone. Whenever the mailbox begins to
 * listen anew, and now and then besides, every wait asks again. All end when the store is closed.
 */
import { type Clock, onAbort } from '@holdfast/kernel';
import { Deadlines, Timed } from '@holdfast/redis';
import { decodeRecord, type Outcome } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Found, Store } from '../store/store.js';

/** How a run has come to rest. */
export type Rest =
  | Outcome
  | { readonly status: 'stuck'; readonly reason: string }
  | { readonly status: 'gone' };

/** One that listens for the end of a run: from when it is made, until it is told or stopped. */
export class Hearing extends Timed {
  readonly run: string;
  /** Undefined if it has heard nothing, and is to ask. */
  readonly rest: Promise<Rest | undefined>;
  readonly #leave: (hearing: Hearing) => void;
  #resolve: (rest: Rest | undefined) => void = () => {};

  constructor(run: string, deadline: number, leave: (hearing: Hearing) => void) {
    super(deadline);
    this.run = run;
    this.#leave = leave;
    this.rest = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  settle(rest: Rest | undefined): void {
    this.#leave(this);
    this.#resolve(rest);
  }

  expire(): void {
    this.settle(undefined);
  }
}

export class Waits {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #mailbox: string;
  readonly #deadlines: Deadlines;
  readonly #waiting = new Map<string, Set<Hearing>>();

  constructor({ store, clock, mailbox }: { store: Store; clock: Clock; mailbox: string }) {
    this.#store = store;
    this.#clock = clock;
    this.#mailbox = mailbox;
    this.#deadlines = new Deadlines(clock);
    onAbort(store.closed, () => this.askAgain());
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

  /** Listens for the end of a run that is about to be told to the mailbox. To be waited for, or stopped by settling it. */
  expect(run: string): Hearing {
    const hearing = new Hearing(run, this.#clock.now() + this.#store.askAgain, (each) => this.#forget(each));
    const waiting = this.#waiting.get(run);
    if (waiting) waiting.add(hearing);
    else this.#waiting.set(run, new Set([hearing]));
    this.#deadlines.add(hearing);
    return hearing;
  }

  /**
   * Undefined if `signal` aborts first, or the store is closed. Rejects with what a call rejects with. `expected`: whoever
   * started the run has said that its end is to be told, and listens since then.
   */
  async wait(
    { run, generation }: RunRef,
    signal?: AbortSignal,
    expected?: Hearing,
  ): Promise<Rest | undefined> {
    const first = expected && (await this.#restOf(expected, signal));
    if (first) return first;
    let known = generation;
    while (!this.#isOver(signal)) {
      const hearing = this.expect(run);
      try {
        const found = await this.#store.find({ run, generation: known }, this.#mailbox);
        if (found.word === 'gen') {
          known = found.generation;
          continue;
        }
        const rest = restIn(found) ?? (await this.#restOf(hearing, signal));
        if (rest) return rest;
      } finally {
        hearing.settle(undefined);
      }
    }
    return undefined;
  }

  #restOf(hearing: Hearing, signal: AbortSignal | undefined): Promise<Rest | undefined> {
    const stop = (): void => hearing.settle(undefined);
    if (this.#isOver(signal)) stop();
    if (signal === undefined) return hearing.rest;
    const leave = onAbort(signal, stop);
    return hearing.rest.finally(leave);
  }

  #isOver(signal: AbortSignal | undefined): boolean {
    return signal?.aborted || this.#store.closed.aborted;
  }

  #forget(hearing: Hearing): void {
    this.#deadlines.ended(hearing);
    const waiting = this.#waiting.get(hearing.run);
    if (waiting?.delete(hearing) && waiting.size === 0) this.#waiting.delete(hearing.run);
  }

  #tell(run: string, rest: Rest | undefined): void {
    for (const hearing of [...(this.#waiting.get(run) ?? [])]) hearing.settle(rest);
  }
}

function restIn(found: Exclude<Found, { word: 'gen' }>): Rest | undefined {
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
