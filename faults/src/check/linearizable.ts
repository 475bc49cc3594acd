/**
 * Whether a history is linearizable against a mutex with leases and tokens: whether each operation can be given one moment
 * between its call and its answer, so that in the order of these moments the mutex does what the answers say.
 *
 * The mutex. It is free, or held by one lease, or by several readers who share a token.
 * - acquire, granted under a token: it is free, and the token is above all that were granted; or, for readers, the token
 *   is that of those who hold it or held it last.
 * - extend, granted: nobody was granted it since, so it is held by this lease, or was last; it is held by it then.
 * - release: it is held no longer by this lease; from any moment after its call, or never if that was not answered.
 * - time: a lease that its holder may not rely on any more, by his last answer, holds it no longer.
 * Operations that were refused do nothing. Those without an answer may happen at any time after their call, or never. An
 * acquire or an extend of theirs would only keep others out, so that a history which is linearizable with it is also so
 * without; they are left out.
 *
 * The search for such an order (Wing and Gong, 1993) is exponential in general. Here the answers carry the tokens, and
 * the mutex grants rising tokens only: so the order of the grants is known, and each operation is best given the earliest
 * moment that the ones before it allow. One pass decides. A test compares it with the search on small histories.
 */
import type { Granted } from './lease.js';

export interface Stuck {
  readonly message: string;
  readonly leases: readonly Granted[];
}

/** `leases` are those on one resource, exclusive or shared. Undefined if the history is linearizable. */
export function findStuck(leases: readonly Granted[]): Stuck | undefined {
  let now = Number.NEGATIVE_INFINITY;
  let before: readonly Granted[] = [];
  for (const group of groupsOf(leases)) {
    const [first] = group;
    if (first === undefined) continue;
    if (group.length > 1 && group.some(({ operation }) => operation.kind === 'exclusive')) {
      return { message: `several leases have the token ${first.token}`, leases: group };
    }
    now = Math.max(now, ...before.map(freeFrom));
    const late = placeAll(group, now);
    if (late === undefined) now = lastMoment(group, now);
    else return { message: describe(late, now), leases: [late, ...before] };
    before = group;
  }
  return undefined;
}

/** By token, which is the order in which the mutex can have granted them. */
function groupsOf(leases: readonly Granted[]): readonly Granted[][] {
  const groups = new Map<number, Granted[]>();
  for (const lease of leases) {
    const group = groups.get(lease.token);
    if (group) group.push(lease);
    else groups.set(lease.token, [lease]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** The operations that hold the mutex for a lease, each as the span in which its moment must lie. */
const momentsOf = (lease: Granted): readonly { asked: number; at: number }[] => [lease, ...lease.extended];

/** The first lease an operation of which has no moment from `now` on. */
const placeAll = (group: readonly Granted[], now: number): Granted | undefined =>
  group.find((lease) => momentsOf(lease).some(({ at }) => at < now));

/** The earliest moment behind all operations of these leases. */
const lastMoment = (group: readonly Granted[], now: number): number =>
  Math.max(now, ...group.flatMap((lease) => momentsOf(lease).map(({ asked }) => asked)));

/** From when on the mutex need not be held by this lease any more. */
const freeFrom = (lease: Granted): number =>
  Math.min(lease.ended, Math.max(...lease.spans.map(({ until }) => until)));

const describe = (late: Granted, now: number): string =>
  `no moment can be given to ${late.id} under token ${late.token}: the mutex is not free before ${now}`;
