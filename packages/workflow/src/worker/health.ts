/**
 * Whether the calls of a worker succeed: what its `problem` says, who is told of a failure, and how long it waits then.
 *
 * Guarantees: `problem` is that of the last call that failed, until one succeeds. Of an outage, the first failure is
 * reported, and every failure that only a change of the program can mend. A report that throws changes nothing.
 */
import { backoff, type Clock, MisuseError, pause, type Random } from '@holdfast/kernel';
import { messageOf } from '../json.js';

/** Told of what nobody waits for. Never throws. */
export type Report = (error: unknown) => void;

export class Health {
  #problem: string | undefined = 'it has not begun yet';
  #failures = 0;
  readonly #parts: { readonly clock: Clock; readonly random: Random };
  readonly #report: Report;

  constructor(parts: { readonly clock: Clock; readonly random: Random }, report: Report) {
    this.#parts = parts;
    this.#report = report;
  }

  /** Undefined while calls succeed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  succeeded(): void {
    this.#problem = undefined;
    this.#failures = 0;
  }

  failed(error: unknown): void {
    this.#problem = messageOf(error);
    if (this.#failures === 0 || error instanceof MisuseError) this.#report(error);
    this.#failures += 1;
  }

  /** Before the next try, longer with each that has failed; not after `signal` aborts. */
  async pause(tries = this.#failures, signal?: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    await pause(clock, backoff(random, tries, { base: 50, limit: 1_000 }), signal);
  }
}

/** Of a user's function: nothing that it throws, also later, goes further. */
export function reportTo(onError: ((error: unknown) => unknown) | undefined): Report {
  return (error) => {
    try {
      const told: unknown = onError ? onError(error) : warn(error);
      if (told instanceof Promise) told.catch(warn);
    } catch (thrown) {
      warn(thrown);
    }
  };
}

function warn(error: unknown): void {
  process.emitWarning(messageOf(error), 'HoldfastWorkflowWarning');
}
