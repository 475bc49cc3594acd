/**
 * One round: the same request to every node at once, and the votes that came back in time.
 *
 * Guarantees: resolves as soon as the votes decide it, at the latest after `timeout`, and at once when `signal`
 * aborts. A vote that comes later is not counted. A stall of this process does not count as silence of the nodes:
 * what has arrived by then is read first.
 */
import { type Clock, onAbort } from '@holdfast/kernel';
import type { RedisNode, Verb } from '@holdfast/redis';
import type { Ballot } from './requests.js';
import type { Vote, Votes } from './votes.js';

export interface RoundOptions<Request> {
  readonly verb: Verb<Ballot<Request>, Vote>;
  readonly request: Request;
  /** The subject of the round: rounds with the same subject reach each node in their order. */
  readonly subject: string;
  readonly isDecided: (votes: Votes) => boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called with every vote that came too late to count. */
  readonly onLate?: (node: RedisNode, vote: Vote) => void;
}

/** Asks `nodes`; resolves with one vote for each node, undefined for those that were not waited for. */
export function askAll<Request>(
  nodes: readonly RedisNode[],
  clock: Clock,
  timeout: number,
  options: RoundOptions<Request>,
): Promise<Votes> {
  return new Promise((resolve) => {
    const round = new Round<Request>(nodes.length, options, resolve);
    const close = (): void => round.close();
    const timer = clock.after(timeout, () => clock.afterInput(() => round.end(timeout)));
    const leave = onAbort(options.signal, close);
    round.onClose = () => {
      timer.cancel();
      leave();
    };
    nodes.forEach((node, index) => {
      node.submit(options.verb, new RoundBallot(round, node, index));
    });
  });
}

class Round<Request> {
  readonly options: RoundOptions<Request>;
  readonly votes: (Vote | undefined)[];
  onClose = (): void => {};
  closed = false;
  readonly #resolve: (votes: Votes) => void;

  constructor(size: number, options: RoundOptions<Request>, resolve: (votes: Votes) => void) {
    this.options = options;
    this.votes = new Array<Vote | undefined>(size).fill(undefined);
    this.#resolve = resolve;
  }

  cast(ballot: RoundBallot<Request>, vote: Vote): void {
    if (this.closed) {
      this.options.onLate?.(ballot.node, vote);
      return;
    }
    this.votes[ballot.index] = vote;
    if (this.options.isDecided(this.votes)) this.close();
  }

  /** Closes the round because the time is up. */
  end(timeout: number): void {
    if (this.closed) return;
    const silent: Vote = { kind: 'failed', reason: `did not answer within ${timeout} ms`, sent: true };
    this.votes.forEach((vote, index) => {
      this.votes[index] = vote ?? silent;
    });
    this.close();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose();
    this.#resolve(this.votes);
  }
}

class RoundBallot<Request> implements Ballot<Request> {
  readonly node: RedisNode;
  readonly #round: Round<Request>;
  readonly index: number;

  constructor(round: Round<Request>, node: RedisNode, index: number) {
    this.#round = round;
    this.node = node;
    this.index = index;
  }

  get request(): Request {
    return this.#round.options.request;
  }

  get subject(): string {
    return this.#round.options.subject;
  }

  get abandoned(): boolean {
    return this.#round.closed;
  }

  settle(vote: Vote): void {
    this.#round.cast(this, vote);
  }

  fail(reason: string, sent: boolean): void {
    this.#round.cast(this, { kind: 'failed', reason, sent });
  }
}
