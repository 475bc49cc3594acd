/**
 * The three ways to ask for a lease of any kind: wait for it, try, or run a routine under it.
 *
 * Guarantees: options are checked before anything is sent. The lease under which a routine ran was valid to its end, or
 * `using` rejects; the routine's own error always comes through.
 */

import {
  abortSignal,
  BusyError,
  callback,
  duration,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  requireName,
  type Settings,
  validityOf,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { context as contexts } from '@opentelemetry/api';
import { acquireLease } from './acquire.js';
import type { AcquireContext } from './call.js';
import type { HeldLease } from './lease.js';
import type { Mode } from './modes.js';
import { Renewal } from './renewal.js';

export interface AcquireOptions {
  /** How long the lease is valid without an extension, in ms; from 10 to the deployment's `maxTtl`. Default 10000. */
  readonly ttl?: number;
  /** How long to wait for a lease that somebody else holds, in ms. Default 5000. */
  readonly wait?: number;
  /** Ends the waiting at once. It does not end the lease. */
  readonly signal?: AbortSignal;
  /**
   * The token must be above this: the `seen` of a StaleTokenError whose reason is "forgotten". Tokens are times, so
   * this may be up to two windows ahead: give a longer `wait`. Default: any token will do.
   */
  readonly above?: number;
  /** For how long the caller has waited already, in ms, in calls that were refused: it keeps its place in line. Default 0. */
  readonly waited?: number;
  /**
   * The name of the request, 1 to 512 characters: `isOwnerFor(lease.owner, request)` is true of the lease, in every process,
   * so that whoever repeats a call whose answer was lost finds what it was granted. Default: none.
   */
  readonly request?: string;
}

export type TryOptions = Omit<AcquireOptions, 'wait'>;

/** The options, checked and with their defaults. */
export type Terms = Settings<ReturnType<typeof readersOf>>;

const readersOf = (maxTtl: number) =>
  ({
    ttl: withDefault(duration({ min: 10, max: maxTtl }), Math.min(10_000, maxTtl)),
    wait: withDefault(duration(), 5_000),
    signal: optional(abortSignal),
    above: optional(whole(1)),
    waited: withDefault(duration(), 0),
    request: optional(requireName),
  }) satisfies Readers<AcquireOptions>;

/** Throws MisuseError for what cannot run under a lease. */
export const requireRoutine = (routine: unknown): unknown => callback()('routine', routine);

export class Leasing {
  readonly context: AcquireContext;
  readonly #acquire: ReturnType<typeof readersOf>;
  readonly #try: Omit<ReturnType<typeof readersOf>, 'wait'>;

  constructor(context: AcquireContext) {
    this.context = context;
    this.#acquire = readersOf(context.members.deployment.maxTtl);
    const { wait: _, ...others } = this.#acquire;
    this.#try = others;
  }

  /** The options of the verb `where`. Throws MisuseError. */
  terms(where: string, options: AcquireOptions): Terms {
    return this.#checked(readOptions(where, options, this.#acquire));
  }

  /** The same for a verb that does not wait. */
  tryTerms(where: string, options: TryOptions): Terms {
    return this.#checked({ ...readOptions(where, options, this.#try), wait: 0 });
  }

  /** The same for a verb that takes only a TTL. */
  ttl(where: string, options: Pick<AcquireOptions, 'ttl'>): number {
    const { ttl } = readOptions(where, options, { ttl: this.#acquire.ttl });
    return this.#checked({ ttl, wait: 0, signal: undefined, above: undefined, waited: 0, request: undefined })
      .ttl;
  }

  #checked(terms: Terms): Terms {
    if (validityOf(terms.ttl, this.context.allowance) > 0) return terms;
    throw new MisuseError(
      `ttl of ${terms.ttl} ms leaves no validity after what clocks may drift; lengthen it.`,
    );
  }

  async acquire(mode: Mode, resource: string, terms: Terms): Promise<HeldLease> {
    return acquireLease(this.context, { mode, resource, ...terms });
  }

  async using<T, L extends Renewable>(lease: L, routine: (lease: L) => T | PromiseLike<T>): Promise<T> {
    // Watched from the start, so that the end of the lease is noticed even if the routine never looks.
    void lease.signal;
    const renewals = this.renew(lease);
    try {
      const within = lease.leases[0]?.telemetryContext;
      const result = await (within ? contexts.with(within, () => routine(lease)) : routine(lease));
      if (lease.lost) throw lease.lost;
      return result;
    } finally {
      for (const renewal of renewals) renewal.stop();
      await lease.release();
    }
  }

  /** Keeps a lease from running out until each of the returned renewals was stopped. */
  renew({ leases }: Renewable): readonly Renewal[] {
    const { clock, random } = this.context;
    return leases.map((lease) => {
      const renewal = new Renewal(lease, clock, random);
      renewal.start();
      return renewal;
    });
  }
}

/** A lease, or several that are held together. */
export interface Renewable {
  readonly leases: readonly HeldLease[];
  readonly signal: AbortSignal;
  readonly lost: Error | undefined;
  release(): Promise<void>;
}

/** Resolves as `acquiring` does, and to null if somebody else holds the lease. */
export async function orNull<T>(acquiring: Promise<T>): Promise<T | null> {
  try {
    return await acquiring;
  } catch (error) {
    if (error instanceof BusyError) return null;
    throw error;
  }
}
