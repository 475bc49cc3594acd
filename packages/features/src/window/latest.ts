/**
 * The latest events of an entity, each with a text; the latest first.
 *
 * Guarantees: the same events give the same list in whatever order and however often they come. Events of the same time
 * are ordered by their places in their sources.
 */

/** An event among the latest ones. An event is the same as another if its source and its sequence are. */
export interface LatestEvent {
  /** In microseconds. */
  readonly time: number;
  readonly source: number;
  readonly sequence: number;
  readonly text: string;
}

/** The latest `n` events of both lists. */
export function mergeLatest(
  one: readonly LatestEvent[],
  other: readonly LatestEvent[],
  n: number,
): LatestEvent[] {
  const all = [...one, ...other].sort(later);
  const distinct = all.filter((event, at) => at === 0 || later(event, all[at - 1] as LatestEvent) !== 0);
  return distinct.slice(0, n);
}

const later = (one: LatestEvent, other: LatestEvent): number =>
  other.time - one.time || other.sequence - one.sequence || other.source - one.source;
