/**
 * The nodes of a deployment as one: opened once, and asked together. Giving back is the business of undo.ts, telling
 * the servers apart that of audit.ts.
 *
 * Guarantees: after `close` nothing here keeps the process alive.
 */
import { type Clock, MisuseError, type NodeReason, pause } from '@holdfast/kernel';
import type { RedisNode } from '@holdfast/redis';
import { Audit } from './audit.js';
import type { Deployment } from './deployment.js';
import { askAll, type RoundOptions } from './round.js';
import { Undo } from './undo.js';
import { type LockVerbs, lockVerbs } from './verbs.js';
import { describeVote, type Votes } from './votes.js';

/** How long the first operation waits for nodes that have not connected, once a majority has, in ms. */
const LATECOMERS = 100;

export interface MembersOptions {
  readonly nodes: readonly RedisNode[];
  readonly deployment: Deployment;
  readonly clock: Clock;
  readonly callTimeout: number;
  readonly onWarning: (message: string) => void;
}

export class Members {
  readonly nodes: readonly RedisNode[];
  readonly deployment: Deployment;
  readonly verbs: LockVerbs;
  readonly undo: Undo;
  readonly audit: Audit;
  readonly #clock: Clock;
  readonly #callTimeout: number;
  #opening: Promise<void> | undefined;
  #opened = false;
  #closed = false;

  constructor(options: MembersOptions) {
    this.nodes = options.nodes;
    this.deployment = options.deployment;
    this.verbs = lockVerbs(options.deployment);
    this.#clock = options.clock;
    this.#callTimeout = options.callTimeout;
    this.undo = new Undo(options);
    this.audit = new Audit(options, this.verbs.scripts);
  }

  /**
   * Connects, on the first call: waits for a majority, and a little for the rest, at most `callTimeout`.
   * Returns undefined when that is done. Throws MisuseError after `close`.
   */
  open(): Promise<void> | undefined {
    if (this.#closed) throw new MisuseError('These locks are closed; create new ones with createLocks().');
    if (this.#opened) return undefined;
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const opened = this.nodes.map((node) => node.open().then(() => this.audit.examine(node)));
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
    this.audit.requireDistinct();
    this.#opened = true;
  }

  /** Resolves when the first try to connect to a node has ended, or after `limit` ms, which may be longer than `open` waits. */
  async tried(node: RedisNode, limit: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([node.open().catch(() => {}), pause(this.#clock, limit, over.signal)]);
    over.abort();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** One round over all nodes; a node has a fifth of the TTL to answer, at most `callTimeout`. */
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

  close(): void {
    this.#closed = true;
    this.undo.close();
    this.audit.close();
    for (const node of this.nodes) node.close();
  }
}
