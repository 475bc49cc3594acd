/**
 * @holdfast/queue/rate-limiter: a rate that all processes share which give it the same name, for what is no task of a queue:
 * calls of a service, tokens of a model.
 *
 * The main path: `reserve` gives a place in time rather than polling; where it is not known before how much is used,
 * `settle` says so afterwards. Guarantees: by the server's clock, of what was reserved no more begins within any t ms than
 * `max * (t + burst) / per`, and one reservation that is larger than that. A reservation that is repeated under its id is
 * one. A process that dies has used what it reserved. If Redis forgets, the rate begins anew.
 */
import { randomUUID } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  duration,
  optional,
  orSystemClock,
  passedOn,
  type Readers,
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
import { requireId, requireKeyName } from './keys.js';

export interface RateLimiterOptions {
  readonly redis: NodeSource;
  readonly tls?: ConnectionOptions;
  readonly prefix?: string;
  /** The name of the rate: 1 to 64 letters, digits, "_" and "-". All who share it give the same options. */
  readonly name: string;
  /** How much may begin... */
  readonly max: number;
  /** ...within so many ms. */
  readonly per: number;
  /** For how many ms of the rate may begin at once, after a pause. Default: `per`, so that `max` may. */
  readonly burst?: number;
  /** How far ahead places are given, in ms; then one has to ask again. Default 60000. */
  readonly ahead?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  readonly clock?: Clock;
}

export interface ReserveOptions {
  /** Under which a reservation whose answer was lost may be repeated, for an hour. Default: a new one. */
  readonly id?: string;
  /** How much of the rate it takes. Default 1. */
  readonly amount?: number;
}

/** What is reserved, or when to ask again. */
export type Reservation =
  | {
      readonly isReserved: true;
      readonly id: string;
      /** In how many ms it may begin. */
      readonly wait: number;
      /** When it may begin, in ms since the epoch by the server. */
      readonly at: number;
    }
  | {
      readonly isReserved: false;
      readonly id: string;
      /** In how many ms there may be a place. */
      readonly wait: number;
    };

const MOST = 1e12;
const LONGEST = 86_400_000;

const LIMITER = {
  redis: passedOn<NodeSource>(),
  tls: optional(passedOn<ConnectionOptions>()),
  prefix: withDefault(requirePrefix, ''),
  name: requireKeyName,
  max: whole(1, MOST),
  per: duration({ min: 1, max: LONGEST }),
  burst: optional(duration({ max: LONGEST })),
  ahead: withDefault(duration({ max: LONGEST }), 60_000),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  clock: orSystemClock,
};

const RESERVE = {
  id: optional(requireId),
  amount: withDefault(whole(1, MOST), 1),
} satisfies Readers<ReserveOptions>;

const readUsed = whole(0, MOST);

const KEYSPACE = {
  names: [
    // The time, in ms, until which the rate is used up, and when that was written.
    'clock',
    // "<amount> <begins at>" of each reservation that is not settled.
    'kept',
    // Reservations by when they are forgotten, in ms.
    'ends',
  ],
} as const;

const library = ScriptLibrary.from(new URL('../lua/', import.meta.url), ['reserve', 'spend'], {
  keyspace: KEYSPACE,
});

interface Asked {
  readonly id: string;
  readonly amount: number;
}

/** Made by `createRateLimiter`. */
export class RateLimiter implements AsyncDisposable {
  readonly name: string;
  readonly #caller: Caller;
  readonly #reserve: CallVerb<Asked, Reservation>;
  readonly #settle: CallVerb<Asked, boolean>;

  /** @internal */
  constructor(options: RateLimiterOptions) {
    const settings = readOptions('createRateLimiter', options, LIMITER);
    const { redis, tls, prefix, name, max, per, burst = per, ahead, callTimeout, clock } = settings;
    this.name = name;
    const rate = [max, per, burst, ahead].map(String);
    const verb = <Result>(script: Script, read: (reply: readonly Reply[], id: string) => Result) => ({
      script,
      keys: script.keys.map((each) => `${prefix}{rate:${name}}:${each}`),
      most: 1,
      encode({ request }: { readonly request: Asked }, _keys: string[], args: string[]): void {
        args.push(request.id, String(request.amount), ...rate);
      },
      decode: (reply: Reply, calls: readonly { readonly request: Asked }[]) =>
        calls.map(({ request }) => read(reply as readonly Reply[], request.id)),
    });
    const [reserve, spend] = ['reserve', 'spend'].map((word) => library.scripts.get(word) as Script) as [
      Script,
      Script,
    ];
    this.#reserve = verb(reserve, ([word, wait, at], id) =>
      word === 'busy'
        ? { isReserved: false, id, wait: Number(wait) }
        : { isReserved: true, id, wait: Number(wait), at: Number(at) },
    );
    this.#settle = verb(spend, ([word]) => word === 'settled');
    this.#caller = new Caller({
      ...{ redis, tls, timeout: callTimeout, clock, scripts: [reserve, spend] },
      key: `${prefix}{rate:${name}}:clock`,
      words: {
        subject: `The rate "${name}"`,
        unknown: 'Repeat the call under the same id',
        closed: 'create another with createRateLimiter()',
      },
    });
  }

  /**
   * Reserves a place in time: begin when `wait` is over. Resolves to `isReserved: false` if that would be more than `ahead`
   * from now. Throws MisuseError, UnavailableError: repeat it under the same id then.
   */
  async reserve(options: ReserveOptions = {}): Promise<Reservation> {
    const { id = randomUUID(), amount } = readOptions('reserve', options, RESERVE);
    return this.#caller.call(this.#reserve, { id, amount });
  }

  /**
   * Says how much of the rate a reservation has really taken, which others then wait for less, or for longer. Resolves to
   * false if it was settled before, or is forgotten, an hour after its place. Throws MisuseError, UnavailableError.
   */
  async settle(id: string, amount: number): Promise<boolean> {
    return this.#caller.call(this.#settle, { id: requireId('id', id), amount: readUsed('amount', amount) });
  }

  async close(): Promise<void> {
    this.#caller.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Throws MisuseError. Connects nothing. */
export const createRateLimiter = (options: RateLimiterOptions): RateLimiter => new RateLimiter(options);
