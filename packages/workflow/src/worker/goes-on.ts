/** When a run that its worker leaves goes on. */
import type { Ending } from '../store/store.js';

/** In ms since the epoch, as far as is known. */
export function goesOnAt(ending: Ending, now: number): number {
  if (ending.word === 'park' && ending.due > 0) return ending.due;
  if (ending.word === 'back' && ending.delay !== undefined) return now + ending.delay;
  return Number.POSITIVE_INFINITY;
}
