/** One process's part of a crowd: its waiters acquire, hold, release and ask again, in the contestant's process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Grant, NEVER } from '../../waiting/order.js';
import type { Session } from '../contestants.js';

/** Milliseconds on a clock that all processes of this machine share. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;

/** One process's part of a crowd. */
export interface CrowdOptions {
  readonly resource: string;
  readonly waiters: number;
  /** How long each holds the lock, in milliseconds; 0 gives it back at once. */
  readonly hold: number;
  /** Monotonic milliseconds after which nobody asks again. */
  readonly until: number;
}

export interface CrowdRecord {
  readonly grants: readonly Grant[];
  /** Why requests failed. */
  readonly failures: readonly string[];
}

/** Resolves when nobody waits any more. */
export async function measureCrowd(session: Session, options: CrowdOptions): Promise<CrowdRecord> {
  const { resource, waiters, hold, until } = options;
  const grants: Grant[] = [];
  const failures: string[] = [];
  const fail = (error: unknown): undefined => void failures.push(String(error));
  const wait = async (index: number): Promise<void> => {
    const waiter = `${process.pid}:${index}`;
    let requested: number | undefined;
    while (monotonic() < until) {
      requested ??= monotonic();
      const release = await session.acquire(resource).catch(fail);
      if (release === undefined) continue;
      const granted = monotonic();
      if (hold > 0) await sleep(hold);
      grants.push({ waiter, requested, granted, released: monotonic() });
      requested = undefined;
      await release().catch(fail);
    }
    if (requested !== undefined) grants.push({ waiter, requested, granted: NEVER, released: NEVER });
  };
  await Promise.all(Array.from({ length: waiters }, (_, index) => wait(index)));
  return { grants, failures };
}
