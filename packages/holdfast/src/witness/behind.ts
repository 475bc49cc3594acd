/**
 * The comparison of what a data Redis has with what it had, and with what the lock nodes have granted.
 *
 * Guarantees: what only rises is behind if it is lower, or gone. It cannot say what was written after the witness was taken, nor
 * what the nodes have forgotten by now.
 */
import type { Locks } from '@holdfast/lock';
import type { Fact, Facts, Kind } from './facts.js';

export interface Behind {
  readonly kind: Kind;
  /** The key, and the field in it. */
  readonly of: string;
  /** What was there, by the witness or the nodes. */
  readonly was: string;
  /** What is there; empty if nothing is. */
  readonly is: string;
}

/** What is lower than it was. */
export function behindWitness(was: Facts, is: Facts): readonly Behind[] {
  return [...was].flatMap(([of, before]) => {
    const now = is.get(of);
    if (now !== undefined && !isLower(now, before)) return [];
    return [{ kind: before.kind, of, was: before.at.join('-'), is: now?.at.join('-') ?? '' }];
  });
}

/** A mark that another issuer has is compared with nothing: it was handed over. */
function isLower(now: Fact, before: Fact): boolean {
  if (now.issuer !== before.issuer) return false;
  // Of a stream, the number of entries tells that it was written anew past its old end.
  if (now.at.length === 3 && (now.at[2] ?? 0) < (before.at[2] ?? 0)) return true;
  const place = before.at.findIndex((each, index) => each !== now.at[index]);
  return place >= 0 && (now.at[place] ?? -1) < (before.at[place] ?? 0);
}

/** How many resources are looked up on the nodes at a time. */
const AT_ONCE = 32;

/** Marks that are lower than a token which the nodes have granted. `issuer` is that of the nodes' tokens. */
export async function behindNodes(
  locks: Pick<Locks, 'inspect'>,
  issuer: string,
  is: Facts,
): Promise<readonly Behind[]> {
  const marks = [...is].filter(([, fact]) => fact.kind === 'mark' && fact.issuer === issuer);
  const found: Behind[] = [];
  for (let from = 0; from < marks.length; from += AT_ONCE) {
    const some = marks.slice(from, from + AT_ONCE);
    const states = await Promise.all(some.map(([key]) => locks.inspect(resourceOf(key))));
    some.forEach(([of, { at }], place) => {
      const [mark = 0] = at;
      const fence = Math.max(states[place]?.fence ?? 0, states[place]?.token ?? 0);
      if (mark < fence) found.push({ kind: 'mark', of, was: String(fence), is: String(mark) });
    });
  }
  return found;
}

const resourceOf = (key: string): string => key.slice(key.indexOf('}:mark:') + '}:mark:'.length);

/** What follows from each kind, and what to do. */
export const CONSEQUENCES: Readonly<Record<Kind, string>> = {
  mark: 'an earlier holder might write: keep the writers stopped for as long as the longest lease lasts. Guards that are declared "synchronous" do not wait by themselves.',
  queue:
    'tasks that had ended are there again, and those added since are lost; ids, deduplication and Idempotency-Keys of that time are forgotten. Handlers that act elsewhere have to be safe to repeat; add what is lost again.',
  runs: 'runs go on where they were then: steps done since are done again, and runs that were started since are lost. Start them again under the same ids.',
  reader:
    'a reader of events is given again what it has read since. Who keeps a cursor elsewhere may be ahead of the stream: begin with the oldest event.',
  lane: 'whoever had the lane before might land rows: stop the writers, and open the lanes again under new leases.',
  offset:
    'a lane takes in its source again from there. If the source no longer has it, fill the view from exported rows: holdfast features restore.',
  rows: 'rows that were accepted since are lost. Those that were exported come back with: holdfast features restore.',
  generations:
    'definitions that were applied since, and generations that became live, are as they were: apply and cut over again.',
  index:
    'documents that were written since are lost: import them again. Processes that search begin a new epoch by themselves; take no snapshots of the old one.',
};
