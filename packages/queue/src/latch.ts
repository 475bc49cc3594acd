/**
 * @holdfast/queue/latch: a count-down latch that processes share. One opens it with a count, others count it down, each under
 * an id of its own, and whoever waits goes on when it is at 0.
 *
 * Guarantees: an id counts once, however often its call is repeated. Nobody who waits goes on before as many ids have counted
 * as the latch takes; all do within moments afterwards, or, where a message was lost, within seconds. If Redis forgets, or the
 * latch has expired, calls say so with a LatchGoneError.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  AbortedError,
  abortSignal,
  type Clock,
  duration,
  MisuseError,
  onAbort,
  optional,
  orSystemClock,
  passedOn,
  pause,
  type Readers,
  readOptions,
  requirePrefix,
  throwIfAborted,
  UnavailableError,
  whole,
  withDefault,
} from '@holdfast/kernel';
import {
  Caller,
  type CallVerb,
  type NodeSource,
  type Reply,
  type Script,
  ScriptLibrary,
} from '@holdfast/redis';
import { LatchGoneError } from './errors.js';
import { requireId, requireKeyName } from './keys.js';

export { LatchGoneError };

export interface LatchOptions {
  readonly redis: NodeSource;
  readonly tls?: ConnectionOptions;
  /** Begins the key, so that environments can share a Redis; up to 64 of A-Z a-z 0-9 _ . : / -. Default none. */
  readonly prefix?: string;
  /** The latch's name: 1 to 64 letters, digits, "_" and "-". */
  readonly name: string;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  readonly clock?: Clock;
}

export interface LatchWaitOptions {
  readonly signal?: AbortSignal;
  /** For how long to wait, in ms. Default: without limit. */
  readonly timeout?: number;
}

/** What a count-down has done. */
export interface CountedDown {
  /** How many count-downs the latch still takes. */
  readonly left: number;
  /** False for an id that was counted before, and when none were left. */
  readonly counted: boolean;
}

/** In ms: a latch is kept for a day after its last change unless its `expires` says otherwise. */
const DAY = 86_400_000;

/** How often those who wait look, in case a message was lost, or while Redis is away, in ms. */
const AGAIN = 5_000;
const SOON = 500;

const MOST = 1_000_000;

const LATCH = {
  redis: passedOn<NodeSource>(),
  tls: optional(passedOn<ConnectionOptions>()),
  prefix: withDefault(requirePrefix, ''),
  name: requireKeyName,
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  clock: orSystemClock,
} satisfies Readers<LatchOptions>;

const OPEN = { expires: withDefault(duration({ min: 1, max: 365 * DAY }), DAY) };

const WAIT = {
  signal: optional(abortSignal),
  timeout: optional(duration()),
} satisfies Readers<LatchWaitOptions>;

const readCount = whole(1, MOST);

const VERBS = ['latch', 'down', 'left'] as const;

const library = ScriptLibrary.from(new URL('../lua/', import.meta.url), VERBS, {
  // A hash: count, left, keep in ms, and "i:<id>" of each id that was counted. It is also the channel of its messages.
  keyspace: { names: ['latch'] },
  allowOom: ['left'],
});

type LatchVerb = CallVerb<readonly string[], readonly Reply[]>;

/** Made by `createLatch`. */
export class Latch implements AsyncDisposable {
  readonly name: string;
  readonly #caller: Caller;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #verbs: Readonly<Record<(typeof VERBS)[number], LatchVerb>>;
  readonly #closing = new AbortController();
  /** Of those who wait, to look again. */
  readonly #waiters = new Set<() => void>();
  #listening: Promise<{ close(): void }> | undefined;

  /** @internal */
  constructor(options: LatchOptions) {
    const { redis, tls, prefix, name, callTimeout, clock } = readOptions('createLatch', options, LATCH);
    this.name = name;
    this.#clock = clock;
    this.#key = `${prefix}{latch:${name}}:latch`;
    const verb = (word: string): LatchVerb => ({
      script: library.scripts.get(word) as Script,
      keys: [this.#key],
      most: 1,
      encode: ({ request }, _, args) => void args.push(...request),
      decode: (reply) => [reply as readonly Reply[]],
    });
    this.#verbs = { latch: verb('latch'), down: verb('down'), left: verb('left') };
    this.#caller = new Caller({
      ...{ redis, tls, timeout: callTimeout, clock, scripts: [...library.scripts.values()] },
      key: this.#key,
      words: {
        subject: `The latch "${name}"`,
        unknown: 'Repeat the call: what is repeated counts once',
        closed: 'create another with createLatch()',
      },
    });
  }

  /**
   * Opens the latch for so many count-downs, from 1 to a million, or finds that it was opened for as many. It is kept for
   * `expires` ms after its last change, also when it is at 0; default a day. Throws MisuseError, also where it was opened for
   * another number; UnavailableError.
   */
  async open(count: number, options: { readonly expires?: number } = {}): Promise<{ readonly left: number }> {
    const { expires } = readOptions('open', options, OPEN);
    const args = [String(readCount('count', count)), String(expires)];
    const [word, left] = await this.#caller.call(this.#verbs.latch, args);
    if (word !== 'differs') return { left: Number(left) };
    throw new MisuseError(
      `The latch "${this.name}" was opened for ${left} count-downs, not ${count}. Give the same number, or open another latch.`,
    );
  }

  /**
   * Counts down once for each id, a text of 1 to 256 bytes: a call that is repeated counts no more. Throws LatchGoneError,
   * MisuseError; UnavailableError: repeat it then.
   */
  async countDown(id: string): Promise<CountedDown> {
    const [word, left] = await this.#caller.call(this.#verbs.down, [requireId('id', id)]);
    if (word === 'unknown') throw new LatchGoneError(this.name);
    return { left: Number(left), counted: word === 'down' };
  }

  /** How many count-downs it still takes. Throws LatchGoneError, UnavailableError. */
  async left(): Promise<number> {
    const [word, left] = await this.#caller.call(this.#verbs.left, []);
    if (word === 'unknown') throw new LatchGoneError(this.name);
    return Number(left);
  }

  /**
   * Waits until the latch is at 0, and resolves to true; to false when `timeout` is over first. While Redis is away it goes on
   * waiting. Throws LatchGoneError, also when the latch expires meanwhile; AbortedError when `signal` aborts or the latch is
   * closed; MisuseError.
   */
  async wait(options: LatchWaitOptions = {}): Promise<boolean> {
    const { signal, timeout = Number.POSITIVE_INFINITY } = readOptions('wait', options, WAIT);
    this.#caller.requireOpen();
    const end = this.#clock.now() + timeout;
    let wake = new AbortController();
    const look = (): void => wake.abort();
    this.#waiters.add(look);
    const ignore = onAbort(signal, look);
    try {
      await this.#listen();
      for (;;) {
        throwIfAborted(signal, `waiting for the latch "${this.name}"`);
        if (this.#closing.signal.aborted) throw this.#closed();
        wake = new AbortController();
        const left = await this.#leftIfKnown();
        if (left === 0) return true;
        const rest = end - this.#clock.now();
        if (rest <= 0) return false;
        if (signal?.aborted || this.#closing.signal.aborted) continue;
        await pause(this.#clock, Math.min(rest, left === undefined ? SOON : AGAIN), wake.signal);
      }
    } finally {
      ignore();
      this.#waiters.delete(look);
      if (this.#waiters.size === 0) this.#stopListening();
    }
  }

  /** Closes the connections that it opened. Whoever waits is told. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const look of this.#waiters) look();
    this.#stopListening();
    this.#caller.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #closed(): AbortedError {
    return new AbortedError(`The latch "${this.name}" was closed.`, this.#closing.signal.reason);
  }

  /** Undefined while Redis is away. */
  async #leftIfKnown(): Promise<number | undefined> {
    try {
      return await this.left();
    } catch (error) {
      if (error instanceof UnavailableError || this.#closing.signal.aborted) return undefined;
      throw error;
    }
  }

  /** For all that wait, over one connection. */
  #listen(): Promise<unknown> {
    const all = (): void => {
      for (const look of this.#waiters) look();
    };
    // Whoever may not listen looks.
    this.#listening ??= this.#caller.listen(this.#key, {
      onMessage: all,
      onListening: all,
      onRefused: () => {},
    });
    return this.#listening;
  }

  #stopListening(): void {
    void this.#listening?.then((listening) => listening.close()).catch(() => {});
    this.#listening = undefined;
  }
}

/** Throws MisuseError for options that cannot work; connects on first use. */
export const createLatch = (options: LatchOptions): Latch => new Latch(options);
