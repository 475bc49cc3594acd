/**
 * The clock that proposes tokens: the nodes' time as this client estimates it, or a little above a fence.
 *
 * It learns from the votes of attempts that failed, and goes only where a majority of the nodes that voted would
 * follow, as far as they have said what time it is there: a node whose clock is wrong, or whose fence is far ahead,
 * moves nothing and counts as one that refuses. Sources: Kulkarni et al., "Logical Physical Clocks" (2014), for tokens;
 * Marzullo (1984) for the time on which most agree.
 *
 * Guarantees: one clock never proposes the same token twice, except after it was set back, when the nodes' fences
 * refuse a repeated one. A wrong wall clock costs one refused round and cannot poison later tokens.
 */
import type { Clock, Random } from '@holdfast/kernel';
import { isOut, type Vote, type Votes } from './votes.js';

/**
 * How far above a fence a proposal may be, in microseconds: so several clocks that are behind, and have seen the same
 * fence, do not propose the same token.
 */
const SPREAD = 1_000;

export interface TokenClockOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly quorum: number;
  /** How far a proposal may be from a node's time, in ms. */
  readonly window: number;
}

/** The time on a node, as far as it is known. */
interface NodeTime {
  /** Microseconds by which it is ahead of our monotonic clock. */
  readonly ahead: number;
  /** Whether the node said so; otherwise it is the token that it granted, from which its time is within a window. */
  readonly told: boolean;
}

/** A node that voted. */
interface Voter {
  readonly place: number;
  readonly vote: Vote | undefined;
  /** Its time by now, in microseconds, if anything is known of it. */
  readonly time: number | undefined;
  readonly told: boolean;
  /** A token must be above this. */
  readonly fence: number;
}

export class TokenClock {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #quorum: number;
  /** Microseconds. */
  readonly #window: number;
  /** By a node's place among the nodes. */
  readonly #times = new Map<number, NodeTime>();
  /** Microseconds by which the nodes' clocks are ahead of our wall clock, as far as we know. */
  #offset = 0;
  /** The fence that a majority wants to be exceeded; 0 if there is none. */
  #floor = 0;
  /** The highest token that we proposed since we were set back. */
  #proposed = 0;

  constructor({ clock, random, quorum, window }: TokenClockOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#quorum = quorum;
    this.#window = window * 1_000;
  }

  /** Our estimate of the nodes' clock, in microseconds since the Unix epoch. */
  estimate(): number {
    return this.#clock.wall() + this.#offset;
  }

  next(): number {
    const estimate = this.estimate();
    const isBehind = estimate <= this.#floor;
    const fresh = isBehind ? this.#floor + 1 + Math.floor(this.#random.unit() * SPREAD) : estimate;
    this.#proposed = Math.max(fresh, this.#proposed + 1);
    return this.#proposed;
  }

  /**
   * Learns from votes that were not enough. `proposal` is the token that was proposed, if it was a new one. Returns the
   * places of the nodes that will refuse what a majority would accept, or that no majority agrees with.
   */
  learn(votes: Votes, proposal: number | undefined): ReadonlySet<number> {
    const now = this.#clock.now() * 1_000;
    const voters: Voter[] = [];
    votes.forEach((vote, place) => {
      if (vote && isOut(vote)) return;
      this.#note(place, vote, proposal, now);
      const known = this.#times.get(place);
      const time = known && known.ahead + now;
      voters.push({ place, vote, time, told: known?.told === true, fence: fenceOf(vote) });
    });
    if (voters.length < this.#quorum) return new Set();
    this.#followTime(voters, votes.length);
    this.#followFences(voters);
    const next = Math.max(this.estimate(), this.#floor + 1);
    const beyond = voters.filter(
      (voter) =>
        (voter.vote?.kind === 'window' || voter.vote?.kind === 'stale') &&
        !(voter.fence < next && this.#isNear(voter, next, this.#window)),
    );
    return new Set(beyond.map(({ place }) => place));
  }

  #note(place: number, vote: Vote | undefined, proposal: number | undefined, now: number): void {
    if (vote && 'time' in vote && vote.time !== undefined) {
      this.#times.set(place, { ahead: vote.time - now, told: true });
    } else if (vote?.kind === 'granted' && proposal !== undefined) {
      const known = this.#times.get(place);
      const isContradicted = known && Math.abs(known.ahead + now - proposal) > this.#window;
      if (!known || isContradicted) this.#times.set(place, { ahead: proposal - now, told: false });
    }
  }

  /** Whether the voter may accept a token at that distance. One that has granted a token is two windows from others. */
  #isNear({ time, told }: Voter, token: number, distance: number): boolean {
    return time === undefined || Math.abs(token - time) <= (told ? distance : 2 * this.#window);
  }

  /**
   * Moves the estimate to where it is within half a window of a majority, which leaves room for the way there. With
   * only a few refusals no farther than needed, which keeps it near those that did not refuse.
   */
  #followTime(voters: readonly Voter[], nodes: number): void {
    const half = this.#window / 2;
    const estimate = this.estimate();
    const isAgreed = (time: number): boolean =>
      voters.filter((voter) => this.#isNear(voter, time, half)).length >= this.#quorum;
    if (isAgreed(estimate)) return;
    const times = voters.flatMap(({ time, told }) => (told && time !== undefined ? time : []));
    const refusing = times.filter((time) => Math.abs(time - estimate) > half);
    const centers = refusing.filter(isAgreed).sort((a, b) => a - b);
    const edges = times.flatMap((time) => [time - half, time + half]).filter(isAgreed);
    const [nearest] = edges.sort((a, b) => Math.abs(a - estimate) - Math.abs(b - estimate));
    const median = centers[Math.floor((centers.length - 1) / 2)];
    const target = (refusing.length > nodes - this.#quorum ? median : undefined) ?? nearest;
    if (target === undefined) return;
    this.#offset += Math.round(target - estimate);
    this.#proposed = 0;
  }

  /**
   * Sets the floor to the highest fence within a window above which a majority would accept a token, so that few nodes
   * refuse; failing that, to the lowest one.
   */
  #followFences(voters: readonly Voter[]): void {
    const isAccepted = (token: number): boolean =>
      voters.filter((voter) => voter.fence < token && this.#isNear(voter, token, this.#window)).length >=
      this.#quorum;
    const estimate = this.estimate();
    const fences = voters.map(({ fence }) => fence).filter((fence) => fence >= estimate);
    const accepted = [0, this.#floor, ...fences]
      .filter((floor) => isAccepted(Math.max(estimate, floor + 1)))
      .sort((a, b) => a - b);
    const before = this.#floor;
    this.#floor = accepted.findLast((floor) => floor < estimate + this.#window) ?? accepted[0] ?? 0;
    if (this.#floor < before) this.#proposed = 0;
  }
}

function fenceOf(vote: Vote | undefined): number {
  if (vote?.kind === 'stale') return vote.fence;
  return vote?.kind === 'held' ? vote.token : 0;
}
