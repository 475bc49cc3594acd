/**
 * The epochs of a partition's log, as timelines: a server that has lost its latest entries goes on from an earlier place, and
 * what it had after that place counts only for who has read it then.
 *
 * Guarantees: an epoch that goes on from the very end of another is of one segment with it, so that a restart which loses
 * nothing costs nothing. A segment sees of the ones that it goes on from what they had up to where it does.
 */

/** A span of a log in which one server has answered that has forgotten nothing. */
export interface LogEpoch {
  readonly epoch: string;
  /** Up to which place it is known. */
  readonly through: number;
  /** The place of its first entry; this and the rest are unknown where others had trimmed that entry. */
  readonly began?: number;
  /** The epoch from which it goes on, '' for the first one, and the place up to which it has that. */
  readonly parent?: string;
  readonly from?: number;
}

/** Rows of an epoch up to a place, as one segment sees them. */
interface Sight {
  readonly epoch: string;
  readonly segment: string;
  readonly until: number;
}

export interface Timeline {
  readonly sights: readonly Sight[];
  /** Which segment is read from which place on, the earliest first. */
  readonly begins: readonly { readonly began: number; readonly segment: string }[];
  /** Between these places a server answered, and was then found to have forgotten what it had answered with. */
  readonly gaps: readonly { readonly from: number; readonly began: number }[];
  readonly segments: ReadonlyMap<string, string>;
}

interface Segment {
  readonly name: string;
  readonly parent: Segment | undefined;
  /** Up to where it sees the parent. */
  readonly from: number;
}

const NO_END = Number.MAX_SAFE_INTEGER;

export function timelineOf(epochs: readonly LogEpoch[]): Timeline {
  const ordered = [...epochs].sort((one, other) => (one.began ?? 0) - (other.began ?? 0));
  const known = new Map(ordered.map((each) => [each.epoch, each]));
  const segments = new Map<string, Segment>();
  const continued = new Set<string>();
  for (const { epoch, parent = '', from = 0 } of ordered) {
    const before = known.get(parent);
    const segment = segments.get(parent);
    if (before === undefined || segment === undefined) {
      segments.set(epoch, { name: epoch, parent: undefined, from: 0 });
    } else if (before.through <= from && !continued.has(parent)) {
      continued.add(parent);
      segments.set(epoch, segment);
    } else segments.set(epoch, { name: epoch, parent: segment, from });
  }
  const sights = [...new Set(segments.values())].flatMap((segment) => sightsOf(segment, segments));
  const begins = ordered.map(({ epoch, began = 0 }) => ({ began, segment: nameOf(segments, epoch) }));
  const gaps = ordered.flatMap(({ epoch, began, from }) =>
    began !== undefined &&
    from !== undefined &&
    segments.get(epoch)?.parent !== undefined &&
    segments.get(epoch)?.name === epoch
      ? [{ from, began }]
      : [],
  );
  return {
    sights,
    begins,
    gaps,
    segments: new Map(ordered.map(({ epoch }) => [epoch, nameOf(segments, epoch)])),
  };
}

function sightsOf(segment: Segment, segments: ReadonlyMap<string, Segment>): Sight[] {
  const sights: Sight[] = [];
  let until = NO_END;
  for (let of: Segment | undefined = segment; of !== undefined; of = of.parent) {
    for (const [epoch, each] of segments) {
      if (each === of) sights.push({ epoch, segment: segment.name, until });
    }
    until = Math.min(until, of.from);
  }
  return sights;
}

const nameOf = (segments: ReadonlyMap<string, Segment>, epoch: string): string =>
  segments.get(epoch)?.name ?? epoch;
