/**
 * Who writes to the resource that two issuers share: under a token of one of them, after a seal or a transfer, or under a
 * token that nobody has issued.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import { handedKey, type Marks, markOf } from '../checks/marks.js';
import type { Step } from '../plan/plan.js';

/** An hour, in microseconds. */
const HOUR = 3_600_000_000;

export interface Writer {
  readonly guard: RedisGuard;
  readonly marks: Marks;
  sleep(duration: number): Promise<void>;
}

/** Rejects as the guard does. */
export async function writeAs(
  { issuer, how, hold }: Step & { f: 'issued' },
  { guard, marks, sleep }: Writer,
): Promise<void> {
  const claim = marks.issue(issuer);
  if (how === 'forge') {
    await guard.seal({ ...claim, token: claim.token + HOUR });
    return;
  }
  const ended = how === 'transfer' ? marks.begins(claim) : () => {};
  const taking = how === 'transfer' ? guard.transfer(claim.resource, claim) : guard.seal(claim);
  const sealed = await taking.finally(ended);
  await sleep(hold);
  await sealed.write([['SET', handedKey, markOf(claim)]]);
}
