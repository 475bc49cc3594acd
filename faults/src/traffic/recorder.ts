/**
 * Writes the history of one client process: one append a line, so that SIGKILL loses at most the line being written.
 *
 * Guarantees: the invocation is in the file before the operation begins, the result after it has ended. What ends with
 * an error that no client of the locks should ever see is recorded as unknown, and told to `onUnexpected`.
 */
import { openSync, writeSync } from 'node:fs';
import { StaleTokenError } from '@holdfast/fence';
import { AbortedError, BusyError, LeaseLostError, UnavailableError } from '@holdfast/kernel';
import type { Operation, Result } from '../history/event.js';

/** Microseconds on the clock that all processes of the machine share. */
export const monotonic = (): number => Number(process.hrtime.bigint() / 1000n);

/**
 * Until when a lease may be relied on, of which `remaining` ms were left right after `at`. Where nothing is left, because
 * the process stood still between the grant and the look, nobody has relied on it at any time.
 */
export const endOfValidity = (at: number, remaining: number): number =>
  remaining > 0 ? at + Math.floor(remaining * 1_000) : 0;

/** What a process adds to a record: when it was, by `monotonic`, and its own name. */
interface Stamp {
  readonly at: number;
  readonly process: string;
}

/** Records without their stamp, of whichever kinds there are. */
type Details<R extends Stamp> = R extends Stamp ? Omit<R, keyof Stamp> : never;

/** Records something, at the present moment unless another one is given. */
export type Note<R extends Stamp> = (details: Details<R>, at?: number) => void;

/** Appends records to a history, each as a line. */
export function recordsIn<R extends Stamp>(history: string, name: string): Note<R> {
  const file = openSync(history, 'a');
  return (details, at = monotonic()) =>
    void writeSync(file, `${JSON.stringify({ at, process: name, ...details })}\n`);
}

const REFUSALS = [BusyError, LeaseLostError, StaleTokenError, AbortedError];

export class Recorder {
  readonly #file: number;
  readonly #process: string;
  readonly #onUnexpected: (error: unknown) => void;
  #count = 0;

  constructor(file: string, name: string, onUnexpected: (error: unknown) => void) {
    this.#file = openSync(file, 'a');
    this.#process = name;
    this.#onUnexpected = onUnexpected;
  }

  /** Returns the id of the operation. */
  invoke(operation: Operation): string {
    this.#count += 1;
    const id = `${this.#process}-${this.#count}`;
    this.#write(id, monotonic(), { type: 'invoke', operation });
    return id;
  }

  /** `at` is the moment at which the result was known; what it promises was read after it. */
  ok(id: string, at: number, result: Result = {}): void {
    this.#write(id, at, { type: 'ok', result });
  }

  /** Records that an operation failed, as what its error means. */
  failed(id: string, error: unknown): void {
    const known = REFUSALS.some((refusal) => error instanceof refusal);
    if (!known && !(error instanceof UnavailableError)) this.#onUnexpected(error);
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.#write(id, monotonic(), { type: known ? 'refused' : 'unknown', error: what });
  }

  #write(id: string, at: number, event: object): void {
    writeSync(this.#file, `${JSON.stringify({ at, process: this.#process, id, ...event })}\n`);
  }
}
