/**
 * Leases on several resources at once: all of them or none.
 *
 * Guarantees: no deadlock, whatever the order in which callers name the resources. First all are tried at once, without
 * waiting. If one is held, the others are given back, and the resources are waited for one after the other, in the
 * order of their names, which is the same for everybody. Leases held meanwhile are renewed. A call that fails keeps
 * nothing.
 */
import {
  type LeaseLostError,
  LeaseSignal,
  MisuseError,
  requireName,
  type TokenHolder,
} from '@holdfast/kernel';
import { acquireLease } from './acquire.js';
import { throwIfClosed } from './closing.js';
import type { HeldLease, Lease } from './lease.js';
import type { Leasing, Terms } from './leasing.js';
import { exclusive } from './modes.js';

/** The most resources in one call. */
const MOST = 1_000;

/** Leases on several resources that begin and end together. */
export interface MultiLease extends AsyncDisposable {
  /** In the order in which the caller named them. */
  readonly resources: readonly string[];
  /** The token of each resource, by its name. */
  readonly tokens: Readonly<Record<string, number>>;
  /** Aborts when any of the leases can no longer be proved valid, before its validity ends; and on `release`. */
  readonly signal: AbortSignal;
  /** The holder to pass to a guard for `resource`. Throws MisuseError for a resource that is not among them. */
  of(resource: string): TokenHolder;
  /** Milliseconds for which all of them are certainly valid; 0 once one is over. */
  remaining(): number;
  /** Extends each of them as `Lease.extend` does. "resumed" if any was. Throws as soon as one fails. */
  extend(ttl?: number): Promise<'kept' | 'resumed'>;
  /** Gives all of them back. Never rejects; does nothing after the first call. */
  release(): Promise<void>;
  /** As `Lease.handOver`: what continues or ends each of them, in the order of the resources. */
  handOver(): readonly Pick<Lease, 'resource' | 'token' | 'owner'>[];
}

export class HeldLeases implements MultiLease {
  readonly resources: readonly string[];
  readonly tokens: Readonly<Record<string, number>>;
  readonly leases: readonly HeldLease[];
  readonly #leasing: Leasing;
  #signal: LeaseSignal | undefined;
  readonly #heeded = new WeakSet<AbortSignal>();

  constructor(leasing: Leasing, resources: readonly string[], leases: readonly HeldLease[]) {
    this.#leasing = leasing;
    this.resources = resources;
    this.leases = leases;
    this.tokens = Object.fromEntries(leases.map(({ resource, token }) => [resource, token]));
  }

  get lost(): LeaseLostError | undefined {
    return this.leases.find(({ lost }) => lost)?.lost;
  }

  get signal(): AbortSignal {
    if (this.#signal?.check()) {
      // A lease that was resumed has a new signal, and so have all of them together.
      if (this.lost === undefined && this.remaining() > 0) this.#signal = undefined;
    }
    this.#signal ??= new LeaseSignal(this.#leasing.context.clock, {
      ends: () => Math.min(...this.leases.map((lease) => lease.signalEnds())),
      reason: () => this.lost ?? (this.leases[0] as HeldLease).error('ran out before it could be extended'),
      onAbort: () => {},
    });
    const { signal } = this.#signal;
    for (const lease of this.leases) this.#heed(lease.signal);
    return signal;
  }

  #heed(signal: AbortSignal): void {
    const abort = (): void => this.#signal?.abort(signal.reason as LeaseLostError);
    if (signal.aborted) abort();
    else if (!this.#heeded.has(signal)) signal.addEventListener('abort', abort, { once: true });
    this.#heeded.add(signal);
  }

  of(resource: string): TokenHolder {
    const lease = this.leases.find((held) => held.resource === resource);
    if (lease) return lease;
    throw new MisuseError(`"${resource}" is not among the resources held: ${this.resources.join(', ')}.`);
  }

  remaining(): number {
    return Math.min(...this.leases.map((lease) => lease.remaining()));
  }

  async extend(ttl?: number): Promise<'kept' | 'resumed'> {
    const outcomes = await Promise.all(this.leases.map((lease) => lease.extend(ttl)));
    return outcomes.includes('resumed') ? 'resumed' : 'kept';
  }

  async release(): Promise<void> {
    await Promise.all(this.leases.map((lease) => lease.release()));
  }

  handOver(): readonly Pick<Lease, 'resource' | 'token' | 'owner'>[] {
    return this.leases.map((lease) => lease.handOver());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** Throws as `acquireLease` does; the error names the resource that could not be acquired. */
export async function acquireSeveral(
  leasing: Leasing,
  resources: readonly string[],
  terms: Terms,
): Promise<HeldLeases> {
  requireResources(resources);
  const { clock } = leasing.context;
  const deadline = clock.now() + terms.wait;
  const leases =
    (await tryAll(leasing, resources, terms)) ??
    (await inOrder(leasing, [...resources].sort(), terms, deadline));
  const byName = new Map(leases.map((lease) => [lease.resource, lease]));
  return new HeldLeases(
    leasing,
    [...resources],
    resources.map((name) => byName.get(name) as HeldLease),
  );
}

function requireResources(resources: readonly string[]): void {
  if (resources.length === 0 || resources.length > MOST) {
    throw new MisuseError(`resources are 1 to ${MOST} names; got ${resources.length}.`);
  }
  for (const resource of resources) requireName('resource', resource);
  const twice = resources.find((resource, index) => resources.indexOf(resource) !== index);
  if (twice !== undefined)
    throw new MisuseError(`"${twice}" stands among the resources twice; name it once.`);
}

/** All at once, without waiting. Undefined if somebody holds one of them and there is time to wait. */
async function tryAll(
  leasing: Leasing,
  resources: readonly string[],
  terms: Terms,
): Promise<readonly HeldLease[] | undefined> {
  const attempts = await Promise.allSettled(
    resources.map((resource) => acquireOne(leasing, resource, { ...terms, wait: 0 })),
  );
  const won = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  if (won.length === resources.length) return won;
  await Promise.all(won.map((lease) => lease.release()));
  const reasons = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : []));
  const misused = reasons.some((reason) => reason instanceof MisuseError);
  if (terms.wait === 0 || terms.signal?.aborted || misused) throw reasons[0];
  return undefined;
}

/** One after the other; those that are held are renewed while the next is waited for. */
async function inOrder(
  leasing: Leasing,
  sorted: readonly string[],
  terms: Terms,
  deadline: number,
): Promise<readonly HeldLease[]> {
  const { clock, closing } = leasing.context;
  const held: HeldLease[] = [];
  const renewals: { stop(): void }[] = [];
  try {
    for (const resource of sorted) {
      throwIfClosed(closing, `acquiring "${resource}"`);
      const wait = Math.max(0, deadline - clock.now());
      const lease = await acquireOne(leasing, resource, { ...terms, wait });
      held.push(lease);
      renewals.push(...leasing.renew(lease));
    }
    // The validity of those that came first has been running since.
    await Promise.all(held.slice(0, -1).map((lease) => lease.extend()));
    return held;
  } catch (error) {
    await Promise.all(held.map((lease) => lease.release()));
    throw error;
  } finally {
    for (const renewal of renewals) renewal.stop();
  }
}

function acquireOne({ context }: Leasing, resource: string, terms: Terms): Promise<HeldLease> {
  return acquireLease(context, { mode: exclusive(context.members, resource), resource, ...terms });
}
