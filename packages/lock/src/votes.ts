/**
 * Votes of nodes, and what a set of them decides. Pure: no clock, no connection.
 *
 * Guarantees: a decision is made as soon as no further vote can change it, and never on less than a majority.
 */

/** The answer of a node to one operation, or the fact that there was none. */
export type Vote =
  | { readonly kind: 'granted' | 'kept' | 'rejoined' | 'vouched' | 'released' | 'unset' | 'retired' }
  | { readonly kind: 'forgotten'; readonly time: number }
  | {
      readonly kind: 'held';
      /** 0 if the lock is reserved for a waiter. */
      readonly token: number;
      readonly remaining: number | undefined;
      /** Whether the claimer is the first in its queue. */
      readonly first: boolean;
      /** The node's time in microseconds, if that matters, as it does to an extend. */
      readonly time?: number | undefined;
    }
  /** Others hold a shared lease under this token. */
  | { readonly kind: 'shared'; readonly token: number }
  /** The semaphore has this number of permits; "unset" says that the node knows none. */
  | { readonly kind: 'permits'; readonly permits: number }
  /** The number of permits as a node keeps it, or ''; and the time to which its memory reaches back. */
  | { readonly kind: 'number'; readonly value: string; readonly admitted: string }
  /** For how long each slot of a semaphore is taken, in ms. */
  | { readonly kind: 'surveyed'; readonly remaining: readonly number[] }
  | { readonly kind: 'stale'; readonly fence: number; readonly time: number }
  /** The proposal is too far from the node's time, which is this, in microseconds. */
  | { readonly kind: 'window'; readonly time: number }
  | { readonly kind: 'quarantined'; readonly remaining: number }
  /** The deployment wants more replicas to follow the node than the number that do. */
  | { readonly kind: 'isolated'; readonly replicas: number }
  | { readonly kind: 'misfit'; readonly parameters: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly sent: boolean };

export type VoteKind = Vote['kind'];

/** One entry for each node; undefined if its answer was not waited for. */
export type Votes = readonly (Vote | undefined)[];

export function count(votes: Votes, ...kinds: readonly VoteKind[]): number {
  let sum = 0;
  for (const vote of votes) if (vote && kinds.includes(vote.kind)) sum += 1;
  return sum;
}

/** Whether a node did not vote, whatever was proposed. */
export function isOut({ kind }: Vote): boolean {
  return kind === 'failed' || kind === 'quarantined' || kind === 'isolated' || kind === 'misfit';
}

/** Whether `quorum` of the votes are of these kinds, or can no longer be. */
export function isDecided(votes: Votes, quorum: number, ...kinds: readonly VoteKind[]): boolean {
  let pending = 0;
  for (const vote of votes) if (vote === undefined) pending += 1;
  const inFavour = count(votes, ...kinds);
  return inFavour >= quorum || inFavour + pending < quorum;
}

/**
 * An acquire is decided when a majority granted it or none can. If fewer than a majority refused and name one holder,
 * as with an even number of nodes or when some are away, the others are waited for: their answers show whether that
 * holder has the lock, so that it makes sense to wait for its end, or nobody has.
 */
export function isAcquireDecided(votes: Votes, quorum: number): boolean {
  if (!isDecided(votes, quorum, 'granted')) return false;
  if (count(votes, 'granted') >= quorum || count(votes, 'held') >= quorum) return true;
  return !votes.includes(undefined) || explainAcquire(votes, quorum) !== 'busy';
}

/** An extend is decided by a kept majority; failing that, by whether a majority kept the lock or vouches for it. */
export function isExtendDecided(votes: Votes, quorum: number): boolean {
  if (!isDecided(votes, quorum, 'kept')) return false;
  return count(votes, 'kept') >= quorum || isDecided(votes, quorum, 'kept', 'vouched');
}

const NONE: ReadonlySet<number> = new Set();

/** The reasons why an acquire did not get its majority, in the order in which the caller must check them. */
export type Refusal =
  | 'misfit'
  | 'unavailable'
  /** A majority does not know the number of permits that the caller gives. */
  | 'number'
  /** Nodes know no number of permits yet. */
  | 'introduce'
  | 'behind'
  | 'window'
  /** Others hold a shared lease under a token that the caller may join. */
  | 'join'
  | 'busy'
  | 'split';

/**
 * Explains the votes of an acquire that was not granted by a majority. A vote that was not waited for, because it
 * could change nothing, counts as one that could have been granted. Nodes `beyond` reach, by their places, refuse every
 * token that a majority would accept.
 */
export function explainAcquire(votes: Votes, quorum: number, beyond: ReadonlySet<number> = NONE): Refusal {
  // A few misfits mean that those nodes were configured differently; with more, it is this client that was.
  if (count(votes, 'misfit') > votes.length - quorum) return 'misfit';
  const out = votes.filter((vote, place) => vote && (isOut(vote) || beyond.has(place))).length;
  const held = count(votes, 'held');
  if (votes.length - out < quorum) return 'unavailable';
  const differing = count(votes, 'permits');
  if (differing > 0 && differing + count(votes, 'unset') > votes.length - quorum) return 'number';
  if (votes.length - out - held >= quorum) {
    if (count(votes, 'unset') > 0) return differing > 0 ? 'number' : 'introduce';
    if (votes.some((vote, place) => vote?.kind === 'stale' && !beyond.has(place))) return 'behind';
    if (votes.some((vote, place) => vote?.kind === 'window' && !beyond.has(place))) return 'window';
    if (count(votes, 'shared') > 0) return 'join';
  }
  if (held < quorum) {
    // The nodes that were not waited for may have granted the lock: if those that refuse name several holders, or only
    // a reservation, which lasts for a moment, possibly nobody has it.
    const tokens = new Set(votes.flatMap((vote) => (vote?.kind === 'held' ? [vote.token] : [])));
    return count(votes, 'granted') === 0 && tokens.size <= 1 && !tokens.has(0) ? 'busy' : 'split';
  }
  return isHeldByOne(votes, quorum, beyond) ? 'busy' : 'split';
}

/**
 * Whether most of the nodes that refused name one holder, which may have a majority. If several hold a few nodes each,
 * nobody has the lock: they all give it back, and call nobody, so a caller that took one for the holder would wait in
 * vain.
 */
function isHeldByOne(votes: Votes, quorum: number, beyond: ReadonlySet<number>): boolean {
  const tokens = votes.flatMap((vote) => (vote?.kind === 'held' ? [vote.token] : []));
  const most = Math.max(0, ...tokens.map((token) => tokens.filter((other) => other === token).length));
  // Nodes that cannot say. A node that was not waited for could, and will when it is asked again.
  const unknown = votes.filter((vote, place) => vote && (isOut(vote) || beyond.has(place))).length;
  return most * 2 > tokens.length && most + unknown >= quorum;
}

/** The token under which most nodes let others read; the highest of several. */
export function groupOf(votes: Votes): number | undefined {
  const nodes = new Map<number, number>();
  for (const vote of votes) {
    if (vote?.kind === 'shared') nodes.set(vote.token, (nodes.get(vote.token) ?? 0) + 1);
  }
  return [...nodes].sort(([a, many], [b, more]) => more - many || b - a)[0]?.[0];
}

/**
 * The result of a survey of a semaphore's slots: which of them, counted from 0, are free on `quorum` nodes, and in how
 * many ms the first will be if nobody releases any.
 */
export function explainSurvey(votes: Votes, quorum: number): { free: number[]; freeIn: number | undefined } {
  const views = votes.flatMap((vote) => (vote?.kind === 'surveyed' ? [vote.remaining] : []));
  if (views.length < quorum) return { free: [], freeIn: undefined };
  const freeIn = (views[0] ?? []).map((_, slot) => {
    const remaining = views.map((view) => view[slot] ?? 0).sort((a, b) => a - b);
    return remaining[quorum - 1] ?? 0;
  });
  return { free: [...freeIn.keys()].filter((slot) => freeIn[slot] === 0), freeIn: Math.min(...freeIn) };
}

/**
 * The decision of the votes on an extend: *kept* by a majority; *resumable* when a majority kept the lock or vouches
 * that nobody was granted it since; *lost* when so many refuse that no majority can; *unavailable* when too few
 * answered.
 */
export type ExtendOutcome = 'misfit' | 'kept' | 'resumable' | 'lost' | 'unavailable';

export function explainExtend(votes: Votes, quorum: number): ExtendOutcome {
  if (count(votes, 'kept') >= quorum) return 'kept';
  if (count(votes, 'misfit') > votes.length - quorum) return 'misfit';
  if (count(votes, 'kept', 'vouched', 'rejoined') >= quorum) return 'resumable';
  const refused = count(votes, 'held', 'stale', 'forgotten');
  return refused > votes.length - quorum ? 'lost' : 'unavailable';
}

/** The difference between a deployment record and the parameters of a client, in words. */
export function describeMisfit(recorded: string, ours: string): string {
  const layoutOf = (parameters: string): number => Number(/ layout=(\d+)/.exec(parameters)?.[1] ?? 0);
  const hint =
    layoutOf(recorded) > layoutOf(ours)
      ? '; a later version of Holdfast has written it: update this client'
      : '';
  return `its deployment record says "${recorded}", this client says "${ours}"${hint}`;
}

/** A vote in words, for error messages. */
export function describeVote(vote: Vote | undefined, parameters: string): string {
  if (vote === undefined) return 'was not waited for';
  switch (vote.kind) {
    case 'failed':
      return vote.reason;
    case 'held':
      return vote.token === 0
        ? 'reserved for a client that has waited longer'
        : `held under token ${vote.token}`;
    case 'stale':
      return `has granted a higher token (${vote.fence})`;
    case 'window':
      return 'its clock is too far from the token that was proposed';
    case 'quarantined':
      return `in quarantine for another ${vote.remaining} ms, because it is new or may have forgotten grants`;
    case 'isolated':
      return `votes on nothing while only ${vote.replicas} of its replicas follow it, because another may have taken its place`;
    case 'misfit':
      return describeMisfit(vote.parameters, parameters);
    case 'permits':
      return `knows this semaphore with ${vote.permits} permits`;
    case 'number':
      return 'has answered';
    case 'unset':
      return 'does not know this semaphore';
    case 'shared':
      return `held by readers under token ${vote.token}`;
    case 'forgotten':
      return 'may have forgotten grants since that token, so it cannot vouch for it';
    default:
      return vote.kind;
  }
}
