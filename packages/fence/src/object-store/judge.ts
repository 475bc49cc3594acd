/**
 * What the state of an object means to a holder: pure decisions over values, the heart of the guard.
 */
import type { StoredObject } from './store.js';

/** Who asks: the token, and the highest token that this holder knows the mark to have had. */
export interface Asking {
  readonly token: number;
  /** 0 when nothing is known yet; the own token once the object was sealed under it. */
  readonly floor: number;
}

/**
 * "own": the mark is ours. "below": it may be raised to ours, or be made. "stale": a later holder has raised it.
 * "lost": it is lower than it has been, or gone, so something changed the object past the guard.
 */
export type Judgement = 'own' | 'below' | 'stale' | 'lost';

export function judge(current: StoredObject | undefined, { token, floor }: Asking): Judgement {
  const mark = markOf(current);
  if (mark > token) return 'stale';
  if (mark < floor) return 'lost';
  return mark === token ? 'own' : 'below';
}

/** The token of an object's mark; 0 where it has none. */
export const markOf = (current: StoredObject | undefined): number => current?.mark?.token ?? 0;
