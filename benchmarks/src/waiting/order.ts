/**
 * Analyses a list of grants of one lock: how often it changed hands, and which waiters were overtaken. Pure.
 *
 * Guarantees: grants are ordered by the time at which they were told, on a clock that all processes of a machine share.
 * That is the order in which they were granted, because nobody is granted the lock before it was given back: where two
 * held it at once, it throws.
 */

/** The time of what has not happened. */
export const NEVER = Number.POSITIVE_INFINITY;

/** One acquisition; times are milliseconds on the machine's monotonic clock. */
export interface Grant {
  /** Unlike that of every other waiter. */
  readonly waiter: string;
  readonly requested: number;
  readonly granted: number;
  /** When giving back began. */
  readonly released: number;
}

export interface Overtaking {
  readonly acquisitions: number;
  /** Acquisitions that more later requests than allowed were granted before. */
  readonly overtaken: number;
  /** The most later requests that were granted before one; NaN without acquisitions. */
  readonly worst: number;
}

/** By the time of the grant. Throws if two waiters held the lock at once. */
export function inOrder(grants: readonly Grant[]): Grant[] {
  const sorted = [...grants].sort((a, b) => a.granted - b.granted);
  for (const [index, grant] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before && grant.granted < before.released) {
      throw new Error(`${before.waiter} and ${grant.waiter} held the lock at once.`);
    }
  }
  return sorted;
}

/** Grants from `begin` to `end`, and how many of them were to another waiter than the one before. */
export function handOvers(
  sorted: readonly Grant[],
  begin: number,
  end: number,
): { readonly grants: number; readonly handOvers: number } {
  let grants = 0;
  let changes = 0;
  for (const [index, { waiter, granted }] of sorted.entries()) {
    if (granted < begin || granted >= end) continue;
    grants += 1;
    if (sorted[index - 1]?.waiter !== waiter) changes += 1;
  }
  return { grants, handOvers: changes };
}

/** The longest that the lock was free while it was wanted, in milliseconds; NaN if it was never granted. */
export function longestPause(sorted: readonly Grant[]): number {
  const granted = sorted.filter((grant) => grant.granted !== NEVER);
  let free = sorted.reduce((first, { requested }) => Math.min(first, requested), NEVER);
  let longest = Number.NaN;
  for (const grant of granted) {
    longest = Math.max(grant.granted - free, Number.isNaN(longest) ? 0 : longest);
    free = grant.released;
  }
  return longest;
}

/**
 * For each acquisition from `begin` to `end`, the requests that were made after its own and granted before. Those with
 * more than `allowed` are counted.
 */
export function overtaking(
  sorted: readonly Grant[],
  { begin, end, allowed }: { readonly begin: number; readonly end: number; readonly allowed: number },
): Overtaking {
  // The requests that were granted so far, ascending: those behind an acquisition's own have overtaken it.
  const requests: number[] = [];
  const counts: number[] = [];
  for (const { requested, granted } of sorted) {
    let position = requests.length;
    while (position > 0 && (requests[position - 1] ?? 0) > requested) position -= 1;
    if (granted >= begin && granted <= end) counts.push(requests.length - position);
    if (granted !== NEVER) requests.splice(position, 0, requested);
  }
  return {
    acquisitions: counts.length,
    overtaken: counts.filter((count) => count > allowed).length,
    worst: counts.length > 0 ? counts.reduce((most, count) => Math.max(most, count)) : Number.NaN,
  };
}
