/**
 * One thread that searches in the memory of a store while its owner does other things.
 *
 * Guarantees: while a slice is out, the owner changes nothing; `settle` waits for it, for as long as a slice takes, and keeps what was
 * found. A thread that fails, ends or does not answer in time is given up: its slice is answered with undefined, for the owner to
 * search itself.
 */
import { Worker } from 'node:worker_threads';
import type { Memory } from '../kernel/web-assembly.js';
import { type SliceMessage, STATES, THREAD_CODE } from './thread-code.js';

/** In ms, for which a slice is waited for at most. */
const PATIENCE = 10_000;

interface Out {
  readonly finish: (isDone: boolean) => void;
  readonly resolve: () => void;
  isFinished: boolean;
}

export class SearchThread {
  readonly #state = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  #out: Out | undefined;
  isGone = false;

  constructor(module: object, memory: Memory) {
    this.#worker = new Worker(THREAD_CODE, {
      eval: true,
      name: 'holdfast-vectors',
      workerData: { module, memory, state: this.#state.buffer },
      execArgv: [],
    });
    this.#ready = new Promise((resolve) => {
      const gone = (): void => {
        this.#give();
        resolve();
      };
      this.#worker.once('error', gone);
      this.#worker.once('exit', gone);
      this.#worker.on('message', (message) => {
        if (message === 'ready') resolve();
        else this.#over();
      });
    });
    this.#worker.unref();
  }

  /** Resolves when it can be told slices, or is gone. */
  async ready(): Promise<void> {
    this.#worker.ref();
    await this.#ready;
    this.#worker.unref();
  }

  /** Sends a slice. `finish` is called, at once when it is over or is settled, with whether it was answered. */
  run(message: SliceMessage, finish: (isDone: boolean) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#out = { finish, resolve, isFinished: false };
      if (this.isGone) {
        this.#over();
        return;
      }
      this.#worker.ref();
      Atomics.store(this.#state, 0, STATES.running);
      this.#worker.postMessage(message);
    });
  }

  /** Waits until nothing is out, and finishes what was. */
  settle(): void {
    const out = this.#out;
    if (out === undefined || out.isFinished) return;
    if (Atomics.wait(this.#state, 0, STATES.running, PATIENCE) === 'timed-out') this.#give();
    else this.#finish(out);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #give(): void {
    this.isGone = true;
    void this.#worker.terminate();
    this.#over();
  }

  #over(): void {
    const out = this.#out;
    if (out === undefined) return;
    this.#worker.unref();
    this.#finish(out);
    this.#out = undefined;
    out.resolve();
  }

  #finish(out: Out): void {
    if (out.isFinished) return;
    out.isFinished = true;
    out.finish(!this.isGone && Atomics.load(this.#state, 0) === STATES.done);
  }
}
