/**
 * A model in threads of its own, so that embedding does not keep the event loop from anything else.
 *
 * Guarantees: a call is answered by one thread, as a whole, or rejects. A thread that ends is replaced, later each time that this
 * happens again; a text with which two threads have ended is refused for a minute. Threads that are idle do not keep the process alive.
 */
import { Worker } from 'node:worker_threads';
import {
  type Clock,
  display,
  fitting,
  MisuseError,
  orSystemClock,
  type Readers,
  readOptions,
  throwIfAborted,
  UnavailableError,
  unlessAborted,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { Embed } from '../embed/embed-with.js';

export interface EmbedInThreadsOptions {
  /** A module that exports by default, or as `embed`, a function from texts to vectors, one for each; a file URL. */
  readonly module: URL | string;
  /** How many threads, 1 to 64; each loads the model. Default 1. */
  readonly threads?: number;
  /** Default the system's. */
  readonly clock?: Clock;
}

const THREADS = {
  module: fitting<URL | string>(
    'a file URL, such as new URL("./model.js", import.meta.url)',
    (value) => value instanceof URL || (typeof value === 'string' && /^[a-z]+:/.test(value)),
  ),
  threads: withDefault(whole(1, 64), 1),
  clock: orSystemClock,
} satisfies Readers<EmbedInThreadsOptions>;

/** As text, because a file of its own is lost where a program is bundled. */
const THREAD_CODE = `
const { parentPort, workerData } = require('node:worker_threads');
const loaded = import(workerData).then((module) => {
  const embed = module.default ?? module.embed;
  if (typeof embed !== 'function') throw new TypeError('the module exports no function by default, nor as "embed"');
  return embed;
});
loaded.then(
  () => parentPort.postMessage({ ready: true }),
  (error) => parentPort.postMessage({ ready: false, error: String(error) }),
);
parentPort.on('message', async (texts) => {
  try {
    const vectors = Array.from(await (await loaded)(texts), (vector) => Float32Array.from(vector));
    parentPort.postMessage({ vectors }, vectors.map(({ buffer }) => buffer));
  } catch (error) {
    parentPort.postMessage({ error: String(error) });
  }
});
`;

/** After the end of a thread the next begins so much later, in ms, twice as much each time, up to the last. */
const [SOON, LATE] = [100, 30_000];
/** For how long a text is refused, in ms, and after how many threads that have ended with it. */
const [REFUSED_FOR, MOST_ENDS] = [60_000, 2];

interface Call {
  readonly texts: readonly string[];
  readonly resolve: (vectors: readonly Float32Array[]) => void;
  readonly reject: (error: unknown) => void;
  readonly isForsaken: () => boolean;
}

type Message =
  | { readonly ready: boolean; readonly error?: string }
  | { readonly vectors: readonly Float32Array[] }
  | { readonly error: string };

export class EmbedThreads {
  readonly #module: string;
  readonly #clock: Clock;
  readonly #threads = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #calls: Call[] = [];
  /** With how many threads in a row a text has ended, and when it did last. */
  readonly #ends = new Map<string, { readonly count: number; readonly at: number }>();
  #failures = 0;
  #isClosed = false;

  /** Throws MisuseError. */
  constructor(options: EmbedInThreadsOptions) {
    const { module, threads, clock } = readOptions('embedInThreads', options, THREADS);
    this.#module = String(module);
    this.#clock = clock;
    for (let at = 0; at < threads; at++) this.#begin();
  }

  /** Give it as `embed` of createEmbedder(). Throws what the model throws, as UnavailableError, and AbortedError. */
  readonly embed: Embed = async (texts, signal) => {
    throwIfAborted(signal, 'texts were embedded');
    if (this.#isClosed) throw new MisuseError('The threads of the model are closed.');
    const refused = texts.find((text) => this.#isRefused(text));
    if (refused !== undefined) {
      throw this.#failed(
        `${MOST_ENDS} threads have ended with ${display(refused)}, which is refused for a minute`,
      );
    }
    const vectors = new Promise<readonly Float32Array[]>((resolve, reject) => {
      this.#calls.push({ texts, resolve, reject, isForsaken: () => signal?.aborted === true });
    });
    this.#next();
    return unlessAborted(signal, 'texts were embedded', vectors);
  };

  /** How many threads run, and how many calls wait for one. */
  stats(): { readonly threads: number; readonly waiting: number } {
    return { threads: this.#threads.size, waiting: this.#calls.length };
  }

  /** Ends the threads; calls under way reject with UnavailableError. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#calls.splice(0)) reject(this.#failed('they were closed'));
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #begin(): void {
    if (this.#isClosed) return;
    const thread = new Worker(THREAD_CODE, {
      ...{ eval: true, name: 'holdfast-embed', workerData: this.#module },
    });
    this.#threads.add(thread);
    thread.unref();
    let why: unknown;
    thread.once('error', (error: unknown) => {
      why = error;
    });
    thread.once('exit', (code) => this.#ended(thread, why ?? `it ended with code ${code}`));
    thread.once('message', (message: Message) => {
      if ('ready' in message && message.ready) return this.#free(thread);
      why = 'error' in message ? message.error : 'it said nothing';
      void thread.terminate();
    });
  }

  #free(thread: Worker): void {
    this.#idle.push(thread);
    thread.unref();
    this.#next();
  }

  #next(): void {
    while (this.#idle.length > 0 && this.#calls.length > 0) {
      const call = this.#calls.shift()!;
      if (!call.isForsaken()) this.#run(this.#idle.pop()!, call);
    }
  }

  #run(thread: Worker, call: Call): void {
    const settle = (): void => {
      thread.off('message', answered);
      thread.off('exit', ended);
    };
    const answered = (message: Message): void => {
      settle();
      for (const text of call.texts) this.#ends.delete(text);
      this.#failures = 0;
      if ('vectors' in message) call.resolve(message.vectors);
      else call.reject(this.#failed('error' in message ? (message.error ?? '') : 'it said nothing'));
      this.#free(thread);
    };
    const ended = (): void => {
      settle();
      const at = this.#clock.now();
      for (const text of call.texts)
        this.#ends.set(text, { count: (this.#ends.get(text)?.count ?? 0) + 1, at });
      call.reject(this.#failed('its thread has ended'));
    };
    thread.on('message', answered);
    thread.on('exit', ended);
    thread.ref();
    thread.postMessage(call.texts);
  }

  /** Another one begins after a while. While there is none, calls do not wait for what may never come. */
  #ended(thread: Worker, why: unknown): void {
    this.#threads.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#isClosed) return;
    if (this.#threads.size === 0)
      for (const { reject } of this.#calls.splice(0)) reject(this.#failed(String(why)));
    const delay = Math.min(LATE, SOON * 2 ** this.#failures);
    this.#failures += 1;
    this.#clock.after(delay, () => this.#begin());
  }

  #isRefused(text: string): boolean {
    const ends = this.#ends.get(text);
    if (ends === undefined || ends.count < MOST_ENDS) return false;
    if (this.#clock.now() - ends.at < REFUSED_FOR) return true;
    this.#ends.delete(text);
    return false;
  }

  #failed(why: string): UnavailableError {
    return new UnavailableError(`The model in threads gives no vectors: ${why}.`, [
      { node: this.#module, reason: why },
    ]);
  }
}
