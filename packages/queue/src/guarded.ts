/**
 * Adding under the token of a holder: the marks of a queue, and the check in the step that adds.
 *
 * Guarantees: those of the guard for Redis in @holdfast/fence, whose marks these are: tasks are added under a token that no
 * higher one has gone before, or nothing is, and a StaleTokenError says so.
 */
import { claimArguments, markKey, recordKey, refusedClaim } from '@holdfast/fence/claims';
import { createRedisGuard, type RedisGuard } from '@holdfast/fence/redis';
import type { TokenClaim } from '@holdfast/kernel';
import type { Reply } from '@holdfast/redis';
import { guardName, guardRoot } from './keys.js';
import type { ReadOptions } from './queue-options.js';
import {
  filling,
  type PutRequest,
  type PutResult,
  putArguments,
  putResults,
  type QueueVerb,
} from './verbs.js';

/** A claim as the scripts take it: Redis keys, and arguments. */
export interface ClaimParts {
  readonly keys: readonly string[];
  readonly args: readonly [string, string, string, string];
}

/** The marks of one queue. */
export class QueueMarks {
  readonly #options: ReadOptions;
  readonly #root: string;
  #guard: RedisGuard | undefined;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#root = guardRoot(options.name, options.prefix);
  }

  /** The guard that has the same marks. */
  get guard(): RedisGuard {
    const { name, redis, prefix, tls, callTimeout, clock, guard } = this.#options;
    this.#guard ??= createRedisGuard({
      ...{ redis, prefix, callTimeout, clock, name: guardName(name), ...guard },
      ...(tls && { tls }),
    });
    return this.#guard;
  }

  partsOf(claim: TokenClaim): ClaimParts {
    return {
      keys: [recordKey(this.#root), markKey(this.#root, claim.resource)],
      args: claimArguments(claim, this.#options.guard),
    };
  }

  close(): Promise<void> | undefined {
    return this.#guard?.close();
  }
}

interface GuardedRequest {
  readonly claim: ClaimParts;
  readonly tasks: readonly PutRequest[];
}

/** What marks.lua of @holdfast/redis has answered. */
export type Refusal = readonly Reply[];

/** Adds tasks under a claim. */
export const guarded: QueueVerb<
  GuardedRequest,
  { readonly put: readonly PutResult[] } | { readonly refused: Refusal }
> = {
  ...filling(
    'guarded',
    ({ claim, tasks }) => [...claim.args, ...tasks.flatMap(putArguments)],
    (reply, { tasks }) =>
      reply[0] === 'refused' ? { refused: reply.slice(1) } : { put: putResults(reply, tasks.length) },
  ),
  acrossGroups: true,
  moreKeys: ({ claim }) => claim.keys,
};

/** The error for a refusal. */
export const staleHolder = (claim: TokenClaim, refusal: Refusal) => refusedClaim('queue', claim, refusal);
