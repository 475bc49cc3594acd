/**
 * The code under simulation: what a run needs of the packages, so that a mutated copy of them can take their place.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks } from '@holdfast/lock';

export interface Subject {
  readonly createLocks: typeof createLocks;
  readonly createRedisGuard: typeof createRedisGuard;
}

/** The code that is shipped. */
export const shipped: Subject = { createLocks, createRedisGuard };
