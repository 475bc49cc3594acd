/**
 * The guard for data in Redis: marks live beside the data they protect, and a write is one script with its check.
 *
 * Guarantees: those of the contract (guard.ts). The mark and the data are written in the same step, so a store that
 * loses one loses both. A restart that may have lost marks is noticed by the server's run_id and replication id, inside
 * the check itself. Not guaranteed: that a write whose answer was lost did not happen; and Redis does not undo the
 * commands before one that fails.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type ClaimOptions,
  type Clock,
  display,
  duration,
  having,
  MisuseError,
  oneOf,
  optional,
  orSystemClock,
  passedOn,
  type Readers,
  readOptions,
  requireClaim,
  requireName,
  requirePrefix,
  type Settings,
  type TokenClaim,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import {
  adviceFor,
  Caller,
  type CallVerb,
  FORBIDDEN_ADVICE,
  isForbidden,
  isRefused,
  type NodeSource,
  type Reply,
  SERVER_VARIABLES,
  scriptFrom,
} from '@holdfast/redis';
import { type Guard, type Sealed, tokenWindow } from '../guard.js';
import { changedMark, type GuardMark, handedOver } from '../refused.js';
import { claimArguments, type Judgement, markKey, recordKey, refusedClaim } from './claims.js';
import { encodeCommands, type RedisCommand } from './commands.js';

export interface RedisGuardOptions {
  /** The Redis that keeps the data: a URL, or your own ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** The name that begins the guard's keys, such as `{name}:mark:<resource>`. Default "holdfast". No braces. */
  readonly name?: string;
  /** Begins every key, so that environments can share a Redis; up to 64 of A-Z a-z 0-9 _ . : / -. Default none. */
  readonly prefix?: string;
  /** How far a token may be from a clock, in ms: no less than the `window` of the locks. Default 5000. */
  readonly window?: number;
  /**
   * "synchronous" says that the store runs with `appendfsync always` and is never replaced by a replica, so that a
   * restart loses no mark. Default "none".
   */
  readonly persistence?: 'none' | 'synchronous';
  /** How long the store may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  /** TLS settings for a `rediss://` URL. */
  readonly tls?: ConnectionOptions;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
}

const GUARD = {
  redis: passedOn<NodeSource>(),
  name: withDefault(nameWithoutBraces, 'holdfast'),
  prefix: withDefault(requirePrefix, ''),
  window: tokenWindow,
  persistence: withDefault(oneOf('none', 'synchronous'), 'none'),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  tls: optional(having<ConnectionOptions>()),
  clock: orSystemClock,
} satisfies Readers<RedisGuardOptions>;

function nameWithoutBraces(option: string, value: unknown): string {
  const name = requireName(option, value);
  if (!/[{}]/.test(name)) return name;
  throw new MisuseError(`${option} has no braces; got ${display(name)}.`);
}

const LUA = new URL('../../lua/', import.meta.url);

interface GuardRequest {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

type GuardVerb = CallVerb<GuardRequest, readonly Reply[]>;

/** A verb whose script takes the keys and arguments of one call. */
function guardVerb(name: string): GuardVerb {
  return {
    script: scriptFrom(LUA, name, SERVER_VARIABLES),
    keys: [],
    most: 1,
    encode: ({ request }, keys, args) => {
      keys.push(...request.keys);
      args.push(...request.args);
    },
    decode: (reply) => {
      if (Array.isArray(reply)) return [reply];
      throw new Error('the reply is not one of the script');
    },
  };
}

const seal = guardVerb('seal');
const write = guardVerb('write');
const readMark = guardVerb('mark');
const transfer = guardVerb('transfer');
const initialize = guardVerb('initialize');

/** Creates a guard for data in Redis. Throws MisuseError for options that cannot work; connects on first use. */
export function createRedisGuard(options: RedisGuardOptions): RedisGuard {
  return new RedisGuard(readOptions('createRedisGuard', options, GUARD));
}

/** The answer of a guarded write: one reply for each command, as Redis gives it. */
export type RedisReplies = readonly Reply[];

/** Made by `createRedisGuard`. */
export class RedisGuard implements Guard<readonly RedisCommand[], RedisReplies>, AsyncDisposable {
  readonly #caller: Caller;
  readonly #root: string;
  readonly #judgement: Judgement;

  /** @internal */
  constructor({ name, prefix, window, persistence, callTimeout, ...connection }: Settings<typeof GUARD>) {
    this.#root = `${prefix}{${name}}:`;
    this.#judgement = { window, persistence };
    this.#caller = new Caller({
      ...connection,
      key: this.#record,
      timeout: callTimeout,
      urgent: true,
      words: {
        subject: 'The guard',
        unknown: 'The same call may be repeated under the same token',
        closed: 'create another with createRedisGuard()',
      },
    });
  }

  /**
   * Raises the mark to the holder's token, even if the memory of Redis is full. Call it before you read the data that
   * you are going to change.
   */
  async seal(
    holder: TokenClaim,
    options?: ClaimOptions,
  ): Promise<Sealed<readonly RedisCommand[], RedisReplies>> {
    const claim = requireClaim(holder, options);
    await this.#checked(seal, claim);
    return this.#sealed(claim);
  }

  async transfer(
    resource: string,
    holder: TokenClaim,
  ): Promise<Sealed<readonly RedisCommand[], RedisReplies>> {
    const claim = requireClaim(holder, { resource: requireName('resource', resource) });
    const [, seen] = await this.#caller.call(readMark, { keys: [this.#markOf(resource)], args: [] });
    const mark = parseMark(seen);
    if (mark?.issuer === undefined || mark.issuer === claim.issuer)
      await handedOver(claim, this.#checked(seal, claim));
    else await this.#checked(transfer, claim, { keys: [], args: [String(seen)] });
    return this.#sealed(claim);
  }

  /**
   * The mark of a resource, for people and programs that look: it may rise before what follows, so a write is checked by `seal` and
   * `write` alone. Undefined if no token was accepted for it. Throws UnavailableError, MisuseError.
   */
  async mark(resource: string): Promise<{ readonly token: number; readonly issuer?: string } | undefined> {
    const keys = [this.#markOf(requireName('resource', resource))];
    const [, seen] = await this.#caller.call(readMark, { keys, args: [] });
    const mark = parseMark(seen);
    return mark && { token: mark.token, ...(mark.issuer !== undefined && { issuer: mark.issuer }) };
  }

  #sealed(claim: TokenClaim): Sealed<readonly RedisCommand[], RedisReplies> {
    return {
      ...claim,
      write: async (commands) => this.#checked(write, claim, encodeCommands(commands, this.#root)),
    };
  }

  /**
   * Declares that the store is new and has lost no mark. Call it once, when the store has just been created. Without
   * it, a new store accepts only tokens that are issued two windows after its first use. Throws UnavailableError.
   */
  async initialize(): Promise<void> {
    await this.#caller.call(initialize, { keys: [this.#record], args: [] });
  }

  /** Closes the connection, if the guard opened it. */
  async close(): Promise<void> {
    this.#caller.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #record(): string {
    return recordKey(this.#root);
  }

  #markOf(resource: string): string {
    return markKey(this.#root, resource);
  }

  async #checked(
    verb: GuardVerb,
    claim: TokenClaim,
    more: GuardRequest = { keys: [], args: [] },
  ): Promise<RedisReplies> {
    const reply = await this.#caller.call(verb, {
      keys: [this.#record, this.#markOf(claim.resource), ...more.keys],
      args: [...claimArguments(claim, this.#judgement), ...more.args],
    });
    const [word, detail, message] = reply;
    switch (word) {
      case 'sealed':
      case 'written':
        return reply.slice(1);
      case 'failed':
        throw this.#failed(Number(detail), String(message));
      case 'changed':
        throw changedMark(claim, parseMark(detail));
      default:
        throw refusedClaim('redis', claim, reply);
    }
  }

  /** The error for a command of the write that Redis refused: for now, or for good. */
  #failed(number: number, reason: string): UnavailableError | MisuseError {
    const before = number > 1 ? '; those before it were carried out' : '';
    if (!isRefused(reason)) {
      const advice = isForbidden(reason) ? ` ${FORBIDDEN_ADVICE}` : '';
      return new MisuseError(`Command ${number} of the write failed${before}: ${reason}${advice}`);
    }
    return new UnavailableError(
      `Redis refused command ${number} of the write${before}. ${adviceFor(reason)}. The same call may be repeated under the same token.`,
      [{ node: this.#caller.address, reason }],
    );
  }
}

/** A mark as marks.lua of @holdfast/redis keeps it. */
function parseMark(kept: Reply | undefined): GuardMark | undefined {
  const [, token, issuer] = /^(\d+)(?: (.+))?$/s.exec(String(kept)) ?? [];
  return token === undefined ? undefined : { token: Number(token), issuer };
}
