/**
 * The latest events of an entity, each with a text; the latest first.
 *
 * Guarantees: the same events give the same list in whatever order and however often they come. Events of the same time
 * are ordered by their places in their sources.
 */

/** An event among the latest ones. It is the same as another if its source, its offset and its index in its record are. */
export interface LatestEvent {
  /** In microseconds. */
  readonly time: number;
  readonly source: number;
  /** The offset of its record, in two parts. */
  readonly sequence: number;
  readonly second: number;
  /** Which of the events of its record it is. */
  readonly index: number;
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
  other.time - one.time ||
  other.sequence - one.sequence ||
  other.second - one.second ||
  other.index - one.index ||
  other.source - one.source;
