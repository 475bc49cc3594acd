/**
 * Whether the operations on one resource can be put in an order, each at a moment between its call and its result,
 * that a mutex with leases and tokens allows. That is linearizability (Herlihy and Wing, 1990) against this model:
 *
 * - The state is the highest token granted, the leases under it, and until when each may be relied on.
 * - *Acquire* needs a token above the highest, and that nobody can rely on a lease any more: each lease was given back,
 *   was reported as lost, or the moment is not before the end of the validity that its holder knew last. A reader may
 *   also join other readers, under their token, while it is the highest.
 * - *Extend* needs its token to be the highest and its lease to be neither given back nor lost. It may resume a lease
 *   whose validity is over. The validity that it returns replaces the one before.
 * - *Release*, and an extend that reports the lease as lost, end the reliance. They are always allowed.
 *
 * It is the right model because it is what the lock promises and no more: it does not say who is granted, nor when.
 *
 * Real time enters because validity is a promise about real time: an operation does not only come after another, it
 * comes at a moment that may have to be after the end of somebody's validity.
 *
 * Operations that may or may not have happened need no search. An acquire or an extend whose outcome nobody knows
 * allows nothing that was forbidden without it, so leaving it out is always best. An open release may happen right
 * before it helps.
 *
 * A search for the order is not needed either, because tokens must rise: they are the order of the grants, and all
 * extends of a lease come before the next grant. Only extends of one lease that overlap leave a choice. Every condition
 * is that a moment is not too early, so each operation is put at the earliest moment that is left. A test compares this
 * with a search through all orders.
 */
import { group } from './group.js';
import type { GrantedLease } from './leases.js';

/** The first lease that does not fit, and why. Later ones may be a consequence of it, and are not judged. */
export interface Misfit {
  readonly why: string;
  readonly leases: readonly GrantedLease[];
}

/** The leases are those of one resource, exclusive and shared. */
export function findMisfit(leases: readonly GrantedLease[]): Misfit | undefined {
  let now = Number.NEGATIVE_INFINITY;
  let before: readonly GrantedLease[] = [];
  let reliable = now;
  const groups = [...group(leases, ({ token }) => token)].sort(([a], [b]) => a - b);
  for (const [token, beside] of groups) {
    if (beside.length > 1 && beside.some(({ kind }) => kind === 'exclusive'))
      return { why: `token ${token} was granted ${beside.length} times`, leases: beside };
    const start = Math.max(now, reliable);
    const late = beside.find((lease) => stepsOf(lease).some(({ asked, by }) => Math.max(start, asked) > by));
    if (late) {
      const cause = reliable > now ? 'reliance on the lease before it' : 'what was done under lower tokens';
      const why = `what was done under token ${token} cannot have happened after ${cause}, which lasted until ${start}`;
      return { why, leases: [...before, late] };
    }
    reliable = Math.max(...beside.map((lease) => reliableUntil(lease, start)));
    now = Math.max(start, ...beside.flatMap(stepsOf).map(({ asked }) => asked));
    before = beside;
  }
  return undefined;
}

interface Step {
  readonly asked: number;
  /** The time by which it had certainly happened. */
  readonly by: number;
}

const stepsOf = (lease: GrantedLease): readonly Step[] => [
  { asked: lease.grant.asked, by: lease.grant.done },
  ...lease.extensions.map(({ asked, done }) => ({ asked, by: Math.min(done, lease.endDone) })),
];

/** The least that its holder relied on, over the extends that can have been the last. */
function reliableUntil({ grant, extensions, endAsked, endDone }: GrantedLease, start: number): number {
  const lastAsked = Math.max(start, ...extensions.map(({ asked }) => asked));
  const last = extensions.filter(({ done }) => Math.min(done, endDone) >= lastAsked);
  return Math.min(endAsked, ...(last.length > 0 ? last : [grant]).map(({ until }) => until));
}
