/**
 * The nodes of a deployment as one: opened once, told apart, asked together, cleaned up after.
 *
 * Guarantees: two addresses of one server are refused with a MisuseError before any of their votes counts, also when
 * they become one while running. A release reaches every node that may hold the lock, or is repeated until the lock
 * has expired by itself. After `close` nothing here keeps the process alive.
 */
import { type Clock, MisuseError, type NodeReason, pause } from '@holdfast/kernel';
import { isRefusal, type RedisNode, reasonOf } from '@holdfast/redis';
import type { Deployment } from './deployment.js';
import { askAll, type RoundOptions } from './round.js';
import { type Ballot, type LockRequest, type LockVerb, type LockVerbs, lockVerbs } from './verbs.js';
import { count, describeVote, type Vote, type Votes } from './votes.js';
import type { QueueEntry } from './waiting.js';

/** How long the first operation waits for nodes that have not connected, once a majority has, in ms. */
const LATECOMERS = 100;

export interface MembersOptions {
  readonly nodes: readonly RedisNode[];
  readonly deployment: Deployment;
  readonly clock: Clock;
  readonly callTimeout: number;
  readonly onWarning: (message: string) => void;
}

/** What is given back, until it has expired by itself. */
interface Undoing {
  readonly verb: LockVerb;
  readonly request: LockRequest;
  /** Monotonic time. */
  readonly expiry: number;
}

export class Members {
  readonly nodes: readonly RedisNode[];
  readonly deployment: Deployment;
  readonly verbs: LockVerbs;
  readonly #clock: Clock;
  readonly #callTimeout: number;
  readonly #onWarning: (message: string) => void;
  /** The run_id under which a node's configuration was last looked at. */
  readonly #audited = new Map<RedisNode, string>();
  /** The run_ids that were last found to be distinct. */
  #distinct: readonly (string | undefined)[] = [];
  #opening: Promise<void> | undefined;
  #opened = false;
  #closed = false;

  constructor(options: MembersOptions) {
    this.nodes = options.nodes;
    this.deployment = options.deployment;
    this.verbs = lockVerbs(options.deployment);
    this.#clock = options.clock;
    this.#callTimeout = options.callTimeout;
    this.#onWarning = options.onWarning;
  }

  /**
   * Connects, on the first call: waits for a majority, and a little for the rest, at the most `callTimeout`.
   * Returns undefined when that is done. Throws MisuseError after `close`.
   */
  open(): Promise<void> | undefined {
    if (this.#closed) throw new MisuseError('These locks are closed; create new ones with createLocks().');
    if (this.#opened) return undefined;
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const opened = this.nodes.map((node) => node.open().then(() => this.#audit(node)));
    const all = Promise.all(opened);
    const majority = new Promise<void>((resolve) => {
      let ready = 0;
      opened.forEach(async (attempt, index) => {
        await attempt.catch(() => {}); // a missing client library comes out of Promise.all
        if (this.nodes[index]?.unavailable === undefined) ready += 1;
        if (ready === this.deployment.quorum) resolve();
      });
    });
    const limit = new AbortController();
    const enough = majority.then(() => pause(this.#clock, LATECOMERS, limit.signal));
    await Promise.race([all, enough, pause(this.#clock, this.#callTimeout, limit.signal)]);
    limit.abort();
    all.catch(() => {});
    this.requireDistinct();
    this.#opened = true;
  }

  /** One round over all nodes; a node has a fifth of the TTL to answer, at the most `callTimeout`. */
  ask<Request>(ttl: number, options: RoundOptions<Request>): Promise<Votes> {
    return askAll(
      this.nodes,
      this.#clock,
      Math.max(5, Math.min(this.#callTimeout, Math.floor(ttl / 5))),
      options,
    );
  }

  /** Each node's vote in words. */
  reasons(votes: Votes): readonly NodeReason[] {
    return this.nodes.map((node, index) => ({
      node: node.address,
      reason: describeVote(votes[index], this.deployment.parameters),
    }));
  }

  /**
   * Gives a lease back on all nodes. Resolves, never rejects, when a majority has confirmed, or after `callTimeout`;
   * what is left goes on in the background until `expiry` on the monotonic clock.
   */
  release(request: LockRequest, expiry: number): Promise<void> {
    return this.#undo({ verb: request.verbs.release, request, expiry }, this.nodes);
  }

  /** Takes back what a failed attempt may have been granted; ends as `release` does. */
  withdraw(request: LockRequest, expiry: number, votes: Votes): Promise<void> {
    // Who was kept away by a granted majority is called; a minority keeps nobody away.
    const { release, withdraw } = request.verbs;
    const verb = count(votes, 'granted') >= this.deployment.quorum ? release : withdraw;
    return this.#undo(
      { verb, request, expiry },
      this.nodes.filter((_, index) => mayHold(votes[index])),
    );
  }

  /** Takes an owner who does not wait any more out of the queue of a node, and hands on what is reserved for him. */
  strike(node: RedisNode, { owner, lockKey, queueKey }: QueueEntry): void {
    const value = `0 ${owner}`;
    const verbs = this.verbs.exclusive;
    const request: LockRequest = {
      ...{ verbs, lockKey, queueKey, value, queued: true },
      ...{ fenceKey: '', ttl: '0', proof: '0', waited: '' },
    };
    const expiry = this.#clock.now() + this.#callTimeout;
    this.#undoOn(node, { verb: verbs.release, request, expiry }, () => {});
  }

  #undo(undoing: Undoing, concerned: readonly RedisNode[]): Promise<void> {
    const needed = Math.min(this.deployment.quorum, concerned.length);
    if (needed === 0) return Promise.resolve();
    return new Promise((resolve) => {
      let settled = 0;
      let released = 0;
      const timer = this.#clock.after(
        Math.min(this.#callTimeout, Math.max(1, undoing.expiry - this.#clock.now())),
        resolve,
      );
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
    const ballot: Ballot = {
      node,
      request,
      subject: request.lockKey,
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
    if (this.#closed || this.#clock.now() >= undoing.expiry) return;
    const again = (): void => {
      if (!this.#closed) this.#undoOn(node, undoing, () => {});
    };
    this.#clock.after(100, again, { keepAlive: false });
  }

  close(): void {
    this.#closed = true;
    for (const node of this.nodes) node.close();
  }

  /** Throws MisuseError if two addresses are one server, which would vote twice. */
  requireDistinct(): void {
    if (this.nodes.every((node, index) => node.runId === this.#distinct[index])) return;
    const seen = new Map<string, RedisNode>();
    for (const node of this.nodes) {
      if (node.runId === undefined) continue;
      const twin = seen.get(node.runId);
      if (twin) {
        throw new MisuseError(
          `${twin.address} and ${node.address} are the same Redis server (run_id ${node.runId}); a quorum needs independent nodes, so list each server once.`,
        );
      }
      seen.set(node.runId, node);
      if (this.#audited.get(node) !== node.runId) void this.#audit(node);
    }
    this.#distinct = this.nodes.map(({ runId }) => runId);
  }

  /** Looks at a server's configuration once, loads the scripts, and reports what would hurt. */
  async #audit(node: RedisNode): Promise<void> {
    if (node.unavailable !== undefined) return;
    if (node.runId !== undefined) this.#audited.set(node, node.runId);
    try {
      await node.load(this.verbs.scripts);
      const { runId, maxmemoryPolicy } = await node.info();
      this.#audited.set(node, runId);
      if (maxmemoryPolicy !== '' && maxmemoryPolicy !== 'noeviction') {
        this.#onWarning(
          `${node.address} has maxmemory-policy ${maxmemoryPolicy} and may evict locks and fences; set it to noeviction.`,
        );
      }
    } catch (error) {
      // What else is wrong with the node the votes themselves will say.
      if (!this.#closed && isRefusal(error))
        this.#onWarning(`${node.address} could not be examined: ${reasonOf(error)}`);
    }
  }
}

/** Whether the lock may be on a node that voted so: granted, not answered, or an answer lost. */
function mayHold(vote: Vote | undefined): boolean {
  if (vote === undefined) return true;
  if (vote.kind === 'failed') return vote.sent;
  return vote.kind === 'granted' || vote.kind === 'kept' || vote.kind === 'rejoined';
}
