/**
 * The health of a worker's calls: its `problem`, the reports of failures, and how long it waits after one.
 *
 * Guarantees: `problem` is that of the last call that failed, until one succeeds. The first failure of an outage is
 * reported, and so is every failure that only a change of the program can fix. A report that throws changes nothing.
 */
import { backoff, type Clock, MisuseError, messageOf, pause, type Random } from '@holdfast/kernel';

/** Reports an error that no caller waits for. Never throws. */
export type Report = (error: unknown) => void;

export class Health {
  #problem: string | undefined = 'it has not begun yet';
  #failures = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #report: Report;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }, report: Report) {
    this.#clock = clock;
    this.#random = random;
    this.#report = report;
  }

  /** Undefined while calls succeed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get isFailing(): boolean {
    return this.#failures > 0;
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

  /** Waits before the next try, longer with each that has failed; not after `signal` aborts. */
  async pause(tries = this.#failures, signal?: AbortSignal): Promise<void> {
    await pause(this.#clock, backoff(this.#random, tries, { base: 50, limit: 1_000 }), signal);
  }
}

/**
 * The report to a user's function: nothing that it throws, even later, goes further. Without one, and of what it throws,
 * the process is warned, under the name `warning`.
 */
export function reportTo(onError: ((error: unknown) => unknown) | undefined, warning: string): Report {
  const warn: Report = (error) => process.emitWarning(messageOf(error), warning);
  return (error) => {
    try {
      const told: unknown = onError ? onError(error) : warn(error);
      if (told instanceof Promise) told.catch(warn);
    } catch (thrown) {
      warn(thrown);
    }
  };
}
