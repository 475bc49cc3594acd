/**
 * The arithmetic of a lease's time: until when its holder can rely on it, and when it is to be renewed. It applies to
 * every lease, that of a lock and that of a worker's session.
 *
 * Guarantees: a lease counts from the sending of the call that granted or prolonged it, never from the answer. The
 * server begins later, so the holder's validity ends before the server lets go, as long as their clocks drift apart no
 * further than is allowed for. A renewal is due while two thirds of the validity are left, whatever the drift. All
 * times are on the holder's monotonic clock, in ms. Pure.
 */

/** The allowance that is taken off a TTL before its holder relies on it. */
export interface Allowance {
  /** How far two clocks may drift apart, as a fraction of the time that passes; from 0 to below 1. */
  readonly drift: number;
  /** How early the server may let a lease expire, because it counts in whole milliseconds. In ms. */
  readonly resolution: number;
}

/** How much of a TTL can be relied on. Not positive if the allowance leaves nothing of it. */
export const validityOf = (ttl: number, { drift, resolution }: Allowance): number =>
  ttl - ttl * drift - resolution;

/** Until when a lease can be relied on. `since` is when the call that granted or prolonged it was sent. */
export const validUntil = (since: number, ttl: number, allowance: Allowance): number =>
  since + validityOf(ttl, allowance);

/** When to renew it: early enough for a failed renewal to be repeated several times. */
export const renewalDue = (since: number, ttl: number, allowance: Allowance): number =>
  since + validityOf(ttl, allowance) / 3;
