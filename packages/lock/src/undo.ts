/**
 * Giving back what nodes may hold for a lease that is over or was never won.
 *
 * Guarantees: what is given back reaches every node that may hold it, or is repeated until it has expired. No
 * caller waits for that beyond `callTimeout`, and nothing is repeated after `close`.
 */
import type { Clock } from '@holdfast/kernel';
import type { RedisNode } from '@holdfast/redis';
import type { Deployment } from './deployment.js';
import type { QueueEntry } from './line.js';
import type { LockVerb, ReleaseRequest } from './requests.js';
import { lockVerbs } from './verbs.js';
import { count, type Vote, type Votes } from './votes.js';

/** How long until a failed call is repeated, in ms. */
const AGAIN = 100;

export interface UndoOptions {
  readonly nodes: readonly RedisNode[];
  readonly deployment: Deployment;
  readonly clock: Clock;
  readonly callTimeout: number;
}

/** A lease that is being given back, until it has expired. */
interface Undoing {
  readonly verb: LockVerb<ReleaseRequest>;
  readonly request: ReleaseRequest;
  /** Monotonic time. */
  readonly expiry: number;
}

export class Undo {
  readonly #options: UndoOptions;
  #closed = false;

  constructor(options: UndoOptions) {
    this.#options = options;
  }

  /**
   * Gives a lease back on all nodes. Resolves, never rejects, when a majority has confirmed, or after `callTimeout`;
   * what is left goes on in the background until `expiry` on the monotonic clock.
   */
  release(request: ReleaseRequest, expiry: number): Promise<void> {
    return this.#undo({ verb: request.target.verbs.release, request, expiry }, this.#options.nodes);
  }

  /** Takes back what a failed attempt may have been granted; ends as `release` does. */
  withdraw(request: ReleaseRequest, expiry: number, votes: Votes): Promise<void> {
    const { nodes, deployment } = this.#options;
    // Waiters that a granted majority kept away are called; a minority keeps nobody away.
    const { release, withdraw } = request.target.verbs;
    const verb = count(votes, 'granted') >= deployment.quorum ? release : withdraw;
    const concerned = nodes.filter((_, index) => mayHold(votes[index]));
    return this.#undo({ verb, request, expiry }, concerned);
  }

  /**
   * Takes an owner that no longer waits out of the queue of a node, and hands on a lock that is reserved for it there.
   */
  evict(node: RedisNode, { owner, lockKey, queueKey }: QueueEntry): void {
    const { clock, callTimeout, deployment } = this.#options;
    const verbs = lockVerbs(deployment).exclusive;
    const keys = { lockKey, queueKey, fenceKey: '', readersKey: '' };
    const request: ReleaseRequest = { target: { verbs, keys, value: `0 ${owner}` }, queued: true };
    this.#undoOn(node, { verb: verbs.release, request, expiry: clock.now() + callTimeout }, () => {});
  }

  close(): void {
    this.#closed = true;
  }

  #undo(undoing: Undoing, concerned: readonly RedisNode[]): Promise<void> {
    const { deployment, clock, callTimeout } = this.#options;
    const needed = Math.min(deployment.quorum, concerned.length);
    if (needed === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let settled = 0;
      let released = 0;
      const limit = Math.min(callTimeout, Math.max(1, undoing.expiry - clock.now()));
      const timer = clock.after(limit, resolve);
      const onSettled = (success: boolean): void => {
        settled += 1;
        if (success) released += 1;
        if (released < needed && settled < concerned.length) return;
        timer.cancel();
        resolve();
      };
      for (const node of concerned) this.#undoOn(node, undoing, onSettled);
    });
  }

  #undoOn(node: RedisNode, undoing: Undoing, onSettled: (success: boolean) => void): void {
    const { verb, request } = undoing;
    const ballot = {
      node,
      request,
      subject: request.target.keys.lockKey,
      abandoned: false,
      settle: () => onSettled(true),
      fail: () => {
        onSettled(false);
        this.#undoAgain(node, undoing);
      },
    };
    node.submit(verb, ballot, true);
  }

  #undoAgain(node: RedisNode, undoing: Undoing): void {
    const { clock } = this.#options;
    if (this.#closed || clock.now() >= undoing.expiry) return;
    const again = (): void => {
      if (!this.#closed) this.#undoOn(node, undoing, () => {});
    };
    clock.after(AGAIN, again, { keepAlive: false });
  }
}

/** Whether the lock may be on a node that voted so: granted, not answered, or an answer lost. */
function mayHold(vote: Vote | undefined): boolean {
  if (vote === undefined) return true;
  if (vote.kind === 'failed') return vote.sent;
  return vote.kind === 'granted' || vote.kind === 'kept' || vote.kind === 'rejoined';
}
