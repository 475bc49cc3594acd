/**
 * Leaves out faults of a server while another has one, or has just had: Redis may then make a replica the master that is
 * being filled anew, and lose everything.
 */
import type { PlannedFault } from './fault.js';

/** Until a failover is over and the replicas follow again, in ms. */
const RECOVERY = 8_000;

export function oneAtATime(schedule: readonly PlannedFault[]): readonly PlannedFault[] {
  let free = 0;
  return [...schedule]
    .sort((one, two) => one.from - two.from)
    .filter(({ from, until, fault }) => {
      if (!/-node$|^failover$/.test(fault.kind)) return true;
      if (from < free) return false;
      free = until + RECOVERY;
      return true;
    });
}
