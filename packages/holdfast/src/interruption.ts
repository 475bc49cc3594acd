/**
 * The signals that `holdfast` receives while it works, passed to one listener at a time.
 *
 * Guarantees: from `new` to `end`, none of them alone ends this process. The first one that asks it to stop aborts
 * `signal`, with the signal's name as the reason.
 */
import type { Signals } from './context.js';

/** The signals that ask a process to stop. */
const STOPS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'];
/** The signals that mean something only to the program. */
const OTHERS: readonly NodeJS.Signals[] = ['SIGUSR1', 'SIGUSR2'];

export class Interruption {
  /** The first signal that asked to stop. */
  first: NodeJS.Signals | undefined;
  /** Called with every signal. */
  onSignal: (signal: NodeJS.Signals) => void = () => {};
  readonly #signals: Signals;
  readonly #controller = new AbortController();

  constructor(signals: Signals) {
    this.#signals = signals;
    for (const signal of [...STOPS, ...OTHERS]) signals.on(signal, this.#receive);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    for (const signal of [...STOPS, ...OTHERS]) this.#signals.off(signal, this.#receive);
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    if (this.first === undefined && STOPS.includes(signal)) {
      this.first = signal;
      this.#controller.abort(signal);
    }
    this.onSignal(signal);
  };
}
