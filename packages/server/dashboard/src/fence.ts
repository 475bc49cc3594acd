/**
 * From what has happened to a resource to the lanes of its strip: a lane for each holder, with the time of its lease, and the
 * writes of it that were refused.
 *
 * Guarantees: what is drawn was recorded or seen by this page; where the end of a lease is not known, it is drawn as over when
 * the next one was granted.
 */
import type { Lock, Recorded } from '@holdfast/client';

interface Bar {
  readonly token: number;
  readonly from: number;
  readonly to: number;
  readonly isValid: boolean;
}

interface Cross {
  readonly at: number;
  readonly token: number;
  readonly seen: number | undefined;
}

export interface Lane {
  readonly holder: string;
  readonly bars: readonly Bar[];
  readonly crosses: readonly Cross[];
}

export interface Strip {
  readonly from: number;
  readonly to: number;
  readonly lanes: readonly Lane[];
}

const MOST_LANES = 8;
const MOST_ENTRIES = 60;
/** The shortest time that a strip shows, in ms. */
const LEAST = 10_000;

interface Seen {
  readonly owner: string;
  readonly from: number;
}

/** The holders that this page has seen, by the resource and their token. */
const seen = new Map<string, Map<number, Seen>>();

/** What is known of leases that nobody has recorded. */
function observed({ resource, token, owner, readers }: Lock, now: number): ReadonlyMap<number, Seen> {
  const known = seen.get(resource) ?? new Map<number, Seen>();
  seen.set(resource, known);
  if (token !== undefined && !known.has(token)) {
    known.set(token, { owner: owner ?? readers?.join(', ') ?? '', from: now });
  }
  return known;
}

/** The owner's process, without the number of the call. */
const holderOf = (owner: string): string => owner.replace(/\.\d+r?$/, '');

export function stripOf(entries: readonly Recorded[], lock: Lock, now = Date.now()): Strip {
  const recorded = [...entries].slice(0, MOST_ENTRIES).reverse();
  const granted = recorded.filter(({ kind }) => kind === 'granted');
  const unrecorded = [...observed(lock, now)]
    .filter(([token]) => !granted.some((entry) => entry.token === token))
    .map(([token, { owner, from }]) => ({ at: from, token, owner }));
  const grants = [...granted, ...unrecorded].sort((a, b) => a.at - b.at);
  const lanes = new Map<string, { bars: Bar[]; crosses: Cross[] }>();
  const laneOf = (holder: string) => {
    const lane = lanes.get(holder) ?? { bars: [], crosses: [] };
    lanes.delete(holder);
    lanes.set(holder, lane);
    return lane;
  };
  for (const { at, token, owner = '' } of grants) {
    const end = recorded.find(
      (entry) => entry.token === token && (entry.kind === 'ended' || entry.kind === 'lost') && entry.at >= at,
    );
    const next = grants.find((other) => other.at > at && other.token !== token);
    const isValid = lock.held && lock.token === token && end === undefined;
    laneOf(holderOf(owner)).bars.push({
      ...{ token, from: at, isValid },
      to: isValid ? now : (end?.at ?? next?.at ?? now),
    });
  }
  for (const { kind, at, token, seen: accepted } of recorded) {
    if (kind !== 'refused') continue;
    const owner = grants.find((grant) => grant.token === token)?.owner;
    laneOf(owner === undefined ? 'a holder that is not known' : holderOf(owner)).crosses.push({
      ...{ at, token, seen: accepted },
    });
  }
  const times = [...grants.map(({ at }) => at), ...recorded.map(({ at }) => at)];
  return {
    from: Math.min(now - LEAST, ...times),
    to: now,
    lanes: [...lanes].slice(-MOST_LANES).map(([holder, lane]) => ({ holder, ...lane })),
  };
}
