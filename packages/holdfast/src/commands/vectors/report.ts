/** What is told of a generation while it is filled: on stderr, unless the output is for a script. */
import { JSON_OUTPUT } from '../../options.js';
import type { Call } from './opened.js';

/** How often the progress is told, in ms. */
const TELL_EVERY = 2_000;

interface Progress {
  readonly embedded: number;
  readonly seen: number;
  readonly left: number;
}

export class FillReport {
  readonly #call: Call;
  readonly #began: number;
  #timer: { cancel(): void } | undefined;
  #progress: Progress = { embedded: 0, seen: 0, left: 0 };

  constructor(call: Call) {
    this.#call = call;
    this.#began = call.context.clock.now();
    if (!call.args.has(JSON_OUTPUT)) this.#again();
  }

  readonly note = (progress: Progress): void => {
    this.#progress = progress;
  };

  end(): void {
    this.#timer?.cancel();
  }

  #again(): void {
    const { clock, stderr } = this.#call.context;
    this.#timer = clock.after(TELL_EVERY, () => {
      const { embedded, seen, left } = this.#progress;
      const speed = Math.round((1_000 * seen) / Math.max(1, clock.now() - this.#began));
      stderr.write(`${seen} documents, ${speed} a second, ${embedded} embedded, ${left} left\n`);
      this.#again();
    });
  }
}
