/**
 * What all workers together may ask of a model in a minute: requests and tokens, kept in Redis.
 *
 * The main path: before a call so many tokens are reserved as calls like it use in the mean, with a place in time rather than
 * polling; after it, what it has used is settled. Guarantees: by the server's clock, no more is begun than the limits and a
 * burst of `burst` ms allow, but for what guesses were too low until they are settled: at most the calls then under way. A
 * call that dies counts as it was reserved. A reservation that is repeated under its id is one.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  duration,
  optional,
  orSystemClock,
  passedOn,
  readOptions,
  requirePrefix,
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
import { name } from '../run-name.js';
import type { CallOptions, Usage } from './sdk.js';

export interface ModelLimitsOptions {
  readonly redis: NodeSource;
  readonly tls?: ConnectionOptions;
  readonly prefix?: string;
  /** Who shares a name shares its limits: 1 to 64 letters, digits, "_" and "-". */
  readonly name: string;
  /** A minute. */
  readonly requests: number;
  /** A minute, of input and output together. */
  readonly tokens: number;
  /** What may be begun at once after a pause, as so many ms of the limits. Default 1000. */
  readonly burst?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  readonly clock?: Clock;
}

const LIMITS = {
  redis: passedOn<NodeSource>(),
  tls: optional(passedOn<ConnectionOptions>()),
  prefix: withDefault(requirePrefix, ''),
  name,
  requests: whole(1, 1_000_000_000),
  tokens: whole(1, 1_000_000_000_000),
  burst: withDefault(duration(), 1_000),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  clock: orSystemClock,
};

const KEYSPACE = {
  names: [
    // "requests" and "tokens": the time, in ms, until which each is used up.
    'clock',
    // "<tokens> <begins at>" of each reservation that is not settled.
    'kept',
    // Reservations by when they are forgotten, in ms.
    'ends',
  ],
} as const;

const library = ScriptLibrary.from(new URL('../../lua/', import.meta.url), ['reserve', 'settle'], {
  keyspace: KEYSPACE,
});

/** When a call may begin. */
interface Place {
  /** In ms. */
  readonly wait: number;
  /** By the server's clock, in ms since the epoch. */
  readonly at: number;
}

/** Before anything is known of a model. */
const FIRST_GUESS = 1_000;

/** Made by `modelLimits`. */
export class ModelLimits {
  readonly #caller: Caller;
  readonly #reserve: CallVerb<{ id: string; tokens: number }, Place>;
  readonly #settle: CallVerb<{ id: string; tokens: number }, boolean>;
  /** The mean of what calls use, by model. */
  readonly #means = new Map<string, number>();

  constructor(options: ModelLimitsOptions) {
    const {
      redis,
      tls,
      prefix,
      name: of,
      requests,
      tokens,
      burst,
      callTimeout,
      clock,
    } = readOptions('modelLimits', options, LIMITS);
    const scripts = [...library.scripts.values()];
    const key = (each: string): string => `${prefix}{limit:${of}}:${each}`;
    const verb = <Result>(script: string, read: (reply: readonly Reply[]) => Result) => ({
      script: library.scripts.get(script) as Script,
      keys: (library.scripts.get(script) as Script).keys.map(key),
      most: 1,
      encode(
        { request }: { request: { id: string; tokens: number } },
        _keys: string[],
        args: string[],
      ): void {
        args.push(request.id, String(request.tokens), String(requests), String(tokens), String(burst));
      },
      decode: (reply: Reply) => [read(reply as readonly Reply[])],
    });
    this.#reserve = verb('reserve', ([, wait, at]) => ({ wait: Number(wait), at: Number(at) }));
    this.#settle = verb('settle', ([word]) => word === 'settled');
    this.#caller = new Caller({
      ...{ redis, tls, timeout: callTimeout, clock, scripts, key: key('clock') },
      words: {
        subject: `The limits "${of}"`,
        unknown: 'A reservation may be repeated',
        closed: 'create others with modelLimits()',
      },
    });
  }

  /** When the call may begin, or ask again where too much is reserved. The same for each repetition under an id, but for the time that has passed. */
  reserve(
    id: string,
    model: string,
    { maxOutputTokens = Number.POSITIVE_INFINITY }: CallOptions,
  ): Promise<Place> {
    const mean = this.#means.get(model);
    const tokens = Math.ceil(mean ?? Math.min(FIRST_GUESS, maxOutputTokens));
    return this.#caller.call(this.#reserve, { id, tokens });
  }

  /** False if it was settled before, or is forgotten. */
  settle(id: string, model: string, { input, output }: Usage): Promise<boolean> {
    const used = input + output;
    const mean = this.#means.get(model);
    this.#means.set(model, mean === undefined ? used : mean + (used - mean) / 8);
    return this.#caller.call(this.#settle, { id, tokens: used });
  }

  close(): void {
    this.#caller.close();
  }
}

/** Throws MisuseError. Connects nothing. */
export const modelLimits = (options: ModelLimitsOptions): ModelLimits => new ModelLimits(options);
