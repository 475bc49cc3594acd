/**
 * What is held by a handle: an exclusive lease, a shared one, several at once, or a permit of a semaphore.
 *
 * Guarantees: whatever replica granted it, every replica extends and ends it. Several are extended all or none: where one is
 * lost, the others are ended. What was ended is over for good, but for a shared lease: that may be extended again until
 * somebody is granted the exclusive one.
 */
import { LeaseLostError } from '@holdfast/kernel';
import { isOwnerFor, type Lease, type Locks, type MultiLease } from '@holdfast/lock';
import { z } from 'zod';

const handle = z.object({ resource: z.string(), token: z.number(), owner: z.string() });

/** A lease as its handle has it, sealed. */
export const heldLease = z.object({
  kind: z.enum(['exclusive', 'shared', 'permit']),
  /** By which the right is judged: of a permit that of its semaphore. */
  name: z.string(),
  permits: z.int().optional(),
  issuer: z.string(),
  /** In ms. */
  ttl: z.number(),
  leases: z.array(handle).min(1),
});

export type HeldLease = z.output<typeof heldLease>;

/** What is asked for. */
export interface Wanted {
  readonly name: string;
  /** More names, all or none. */
  readonly others: readonly string[];
  readonly shared: boolean;
  /** How many the semaphore has; undefined for a lease. */
  readonly permits: number | undefined;
}

type Options = Parameters<Locks['acquire']>[1] & { readonly ttl: number };

/** The lease, and for how long all of it is certainly valid, in ms. */
interface Taken {
  readonly held: HeldLease;
  readonly validFor: number;
}

/** Takes it. Throws as `locks.acquire`. */
export async function take(locks: Locks, wanted: Wanted, options: Options): Promise<Taken> {
  const { name, permits } = wanted;
  const lease = await acquire(locks, wanted, options);
  const { issuer } = 'issuer' in lease ? lease : lease.of(name);
  const validFor = lease.remaining();
  const handles = [lease.handOver()].flat();
  const kind = kindOf(wanted);
  return {
    held: {
      kind,
      name,
      issuer,
      ttl: options.ttl,
      leases: handles,
      ...(permits !== undefined && { permits }),
    },
    validFor,
  };
}

function acquire(locks: Locks, wanted: Wanted, options: Options): Promise<Lease | MultiLease> {
  const { name, others, shared, permits } = wanted;
  if (permits !== undefined) return locks.semaphore(name, { permits }).acquire(options);
  if (shared) return locks.acquireShared(name, options);
  return others.length === 0 ? locks.acquire(name, options) : locks.acquire([name, ...others], options);
}

function kindOf({ shared, permits }: Wanted): HeldLease['kind'] {
  if (permits !== undefined) return 'permit';
  return shared ? 'shared' : 'exclusive';
}

/** Extends it. Resolves to the ms for which it is then certainly valid. Throws LeaseLostError, UnavailableError. */
export async function extend(locks: Locks, held: HeldLease, ttl: number): Promise<number> {
  const extended = await Promise.allSettled(held.leases.map((each) => adopt(locks, held, each, ttl)));
  const remaining = extended.map((each) => {
    if (each.status === 'rejected') return 0;
    const left = each.value.remaining();
    each.value.handOver();
    return left;
  });
  const failures = extended.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  const [failure] = failures;
  if (failure === undefined) return Math.min(...remaining);
  const lost = failures.find((each) => each instanceof LeaseLostError);
  // What is held in part is of no use, and others wait for it. What cannot be ended now runs out.
  if (lost !== undefined && held.leases.length > 1) await end(locks, held).catch(() => {});
  throw lost ?? failure;
}

type Handle = z.output<typeof handle>;

function adopt(locks: Locks, { kind, name, permits }: HeldLease, lease: Handle, ttl: number): Promise<Lease> {
  if (kind === 'shared') return locks.adoptShared(lease, { ttl });
  if (kind === 'permit') return locks.semaphore(name, { permits: permits ?? 1 }).adopt(lease, { ttl });
  return locks.adopt(lease, { ttl });
}

/** What it takes to end a lease. */
type Ending = Omit<HeldLease, 'issuer'>;

/** Ends it. Does nothing if it is over. Throws UnavailableError. */
export async function end(locks: Locks, held: Ending): Promise<void> {
  await Promise.all(held.leases.map((lease) => endOne(locks, held, lease)));
}

async function endOne(locks: Locks, held: Ending, lease: Handle): Promise<void> {
  const { kind, name, permits } = held;
  if (kind === 'permit') return locks.semaphore(name, { permits: permits ?? 1 }).retire(lease);
  if (kind === 'exclusive') return locks.retire(lease);
  try {
    const adopted = await locks.adoptShared(lease, { ttl: held.ttl });
    await adopted.release();
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
  }
}

/** Ends what an earlier call with the same request was granted, if its answer was lost. Resolves to what that was. */
export async function endEarlier(
  locks: Locks,
  wanted: Wanted,
  request: string,
  ttl: number,
): Promise<readonly Handle[]> {
  const granted = await grantedFor(locks, wanted, request);
  if (granted.length === 0) return [];
  const { name, permits } = wanted;
  const kind = kindOf(wanted);
  await end(locks, { kind, name, ttl, leases: [...granted], ...(permits !== undefined && { permits }) });
  return granted;
}

async function grantedFor(locks: Locks, wanted: Wanted, request: string): Promise<readonly Handle[]> {
  const { name, others, permits } = wanted;
  const isOwn = ({ owner }: Handle): boolean => isOwnerFor(owner, request);
  if (permits !== undefined)
    return (await locks.semaphore(name, { permits }).inspect()).holders.filter(isOwn);
  const states = await Promise.all([name, ...others].map((resource) => locks.inspect(resource)));
  return states
    .flatMap(({ resource, token, owner, readers = [] }) =>
      token === undefined
        ? []
        : [...readers, ...(owner === undefined ? [] : [owner])].map((each) => ({
            ...{ resource, token },
            owner: each,
          })),
    )
    .filter(isOwn);
}
