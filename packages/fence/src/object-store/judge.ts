/**
 * The meaning of an object's state to a holder: pure decisions over values, the heart of the guard.
 */
import type { StoredObject } from './store.js';

/** The holder that asks: its token, the issuer, and the highest token that it knows the mark to have had. */
export interface Asking {
  readonly token: number;
  readonly issuer: string;
  /** 0 when nothing is known yet; the holder's own token once the object was sealed under it. */
  readonly floor: number;
}

/**
 * "own": the mark is ours. "below": it may be raised to ours, or created. "foreign": it is of another issuer. "stale":
 * a later holder has raised it. "lost": it is lower than it has been, or gone, so something changed the object past the
 * guard.
 */
export type Judgement = 'own' | 'below' | 'foreign' | 'stale' | 'lost';

export function judge(current: StoredObject | undefined, { token, issuer, floor }: Asking): Judgement {
  const mark = markOf(current);
  const by = current?.mark?.issuer;
  if (by !== undefined && by !== issuer) return 'foreign';
  if (mark > token) return 'stale';
  if (mark < floor) return 'lost';
  return mark === token && by === issuer ? 'own' : 'below';
}

/** The token of an object's mark; 0 if it has none. */
export const markOf = (current: StoredObject | undefined): number => current?.mark?.token ?? 0;

export function hasSameMark(current: StoredObject | undefined, seen: StoredObject): boolean {
  return current?.mark?.token === seen.mark?.token && current?.mark?.issuer === seen.mark?.issuer;
}
