/**
 * Calls that go several ways: each branch is a scope of its own, numbered by its place.
 *
 * Guarantees: where a call is over before all of its branches are, the others are cancelled in the same turn, so that a
 * replay cancels them at the same place. No promise of a branch is left without somebody who handles it.
 */
import type { AbortedError } from '@holdfast/kernel';
import { cancelledBy, Scope } from './scope.js';

/** What branches need of the machine. */
export interface Brancher {
  readonly scope: Scope;
  /** False if the call is late: then nothing more happens. */
  readonly isInTurn: (place: string) => boolean;
  readonly cancel: (scope: Scope, reason: AbortedError) => void;
}

/** Never settles: what has no place in the journal goes no further. */
export const nothing = <T>(): Promise<T> => new Promise(() => {});

/** Runs one branch in a scope of its own. */
type RunBranch<T> = (scope: Scope, index: number) => Promise<T>;

export interface Branching<T> {
  readonly place: string;
  readonly count: number;
  /** How many go on at a time. */
  readonly width: number;
  readonly run: RunBranch<T>;
}

/** The results of all, in their order; rejects with the first error. */
export async function runAll<T>(
  brancher: Brancher,
  { place, count, width, run }: Branching<T>,
): Promise<T[]> {
  const id = brancher.scope.takeNumber();
  const scope = new Scope(`${id}.`, brancher.scope);
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      // What is left does not begin, and nobody is to take what there is for all of it.
      if (scope.cancelled) throw scope.cancelled;
      const index = next;
      next += 1;
      const own = new Scope(`${id}.${index}.`, scope);
      results[index] = await run(own, index);
      own.leave(scope);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  } catch (error) {
    await leave(brancher, { scope, place, reason: 'another branch has failed' });
    throw error;
  }
  scope.leave(brancher.scope);
  return results;
}

/** What the first of all gives or throws. */
export async function runRace<T>(
  brancher: Brancher,
  { place, count, run }: Omit<Branching<T>, 'width'>,
): Promise<T> {
  const id = brancher.scope.takeNumber();
  const scope = new Scope(`${id}.`, brancher.scope);
  const branch = async (_: unknown, index: number): Promise<T> =>
    run(new Scope(`${id}.${index}.`, scope), index);
  try {
    return await Promise.race(Array.from({ length: count }, branch));
  } finally {
    await leave(brancher, { scope, place, reason: 'another branch was first' });
  }
}

/** What `run` gives or throws; what it has left open is cancelled. */
export async function runScope<T>(brancher: Brancher, scope: Scope, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } finally {
    await leave(brancher, { scope, place: 'ctx.scope', reason: 'its scope has ended' });
  }
}

interface Left {
  readonly scope: Scope;
  readonly place: string;
  readonly reason: string;
}

/** Cancels what goes on in a scope. */
async function leave(brancher: Brancher, { scope, place, reason }: Left): Promise<void> {
  if (!brancher.isInTurn(place)) await nothing();
  brancher.cancel(scope, cancelledBy(reason));
  scope.leave(brancher.scope);
}
