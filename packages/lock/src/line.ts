/**
 * Waiting for leases without polling: the waiters of this process, and the calls of the nodes that concern them.
 *
 * Waiters of one resource stand in line here in order of arrival, and only the first of them stands in the queues of
 * the nodes, with the time since which it has been waiting: a thousand waiters cost the nodes no more than one.
 *
 * Guarantees: a waiter that is called by a majority of nodes is woken at once. Calls by fewer, from nodes that were
 * left behind, wake it a little later. A lost call costs a fallback, never the lease. A waiter that leaves cleans up;
 * if it could not, a call that finds nobody takes it out of the queue.
 */
import { type Clock, onAbort, type Timer } from '@holdfast/kernel';
import type { RedisNode } from '@holdfast/redis';

/** How long calls of a minority wait for those of the others, in ms. */
const STRAGGLERS = 50;

/** How long a call may still be on its way after those with which a lease was won, in ms. */
const SLOWEST_CALL = 1_000;

/** How often claims are repeated although no node has called, in ms: the most that a lost call costs. */
export const FALLBACK = 2_000;

export interface WaitingRoomOptions {
  readonly nodes: readonly RedisNode[];
  readonly quorum: number;
  readonly clock: Clock;
  /** The channel on which the nodes call this process. */
  readonly channel: string;
  /** How long the first waiter ever waits for the nodes to deliver, in ms. */
  readonly patience: number;
  readonly onWarning: (message: string) => void;
  /** Called when a node calls an owner of this process that no longer waits. */
  readonly onNobody: (node: RedisNode, entry: QueueEntry) => void;
}

/** An owner in the queue of a node. */
export interface QueueEntry {
  readonly owner: string;
  readonly lockKey: string;
  readonly queueKey: string;
}

export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #lines = new Map<string, Set<Place>>();
  readonly #places = new Map<string, Place>();
  #listening: Promise<void> | undefined;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
  }

  /** Whether anybody in this process waits for `resource`. */
  isAwaited(resource: string): boolean {
    return this.#lines.has(resource);
  }

  /**
   * Stands in line for `resource`, behind every waiter of this process that does already and has waited as long. `waited`: for
   * how long the caller has waited before, in ms.
   */
  enter(resource: string, owner: string, waited = 0): Place {
    const line = this.#lines.get(resource) ?? new Set();
    const since = this.#options.clock.now() - waited;
    const place = new Place({ owner, since }, this.#options, (won) => this.#leave(resource, place, won));
    if (waited === 0) line.add(place);
    else insert(line, place);
    this.#lines.set(resource, line);
    this.#places.set(owner, place);
    this.#callFirst(line);
    return place;
  }

  /** Lets the first waiter for `resource` ask again: more is free than the nodes call for. */
  wake(resource: string): void {
    const line = this.#lines.get(resource);
    if (line) firstOf(line)?.wake();
  }

  #leave(resource: string, place: Place, won: boolean): void {
    // The winner may still be called by slower nodes; those calls must not wake the next waiter.
    const forget = (): void => void this.#places.delete(place.owner);
    if (won) this.#options.clock.after(SLOWEST_CALL, forget, { keepAlive: false });
    else forget();
    const line = this.#lines.get(resource);
    line?.delete(place);
    if (line === undefined || line.size === 0) this.#lines.delete(resource);
    else this.#callFirst(line);
  }

  /** The messages of the nodes are defined in lua/queue.lua. */
  #hear(node: RedisNode, message: string): void {
    const [word = '', owner = '', lockKey = '', queueKey = ''] = message.split('\n');
    const place = this.#places.get(owner);
    if (place === undefined) this.#options.onNobody(node, { owner, lockKey, queueKey });
    else if (word === 'called') place.call(node, lockKey);
    else place.promote(node, Number(word.replace('first:', '')));
  }

  /** Nobody asks the nodes before their calls can be heard. */
  #callFirst(line: ReadonlySet<Place>): void {
    void this.#listen().then(() => firstOf(line)?.beginTurn());
  }

  /** Resolves once a majority of nodes delivers calls to this process, at the latest after the patience. */
  #listen(): Promise<void> {
    this.#listening ??= new Promise((resolve) => {
      const { nodes, quorum, clock, channel, patience, onWarning } = this.#options;
      const delivering = new Set<RedisNode>();
      clock.after(patience, resolve, { keepAlive: false });
      for (const node of nodes) {
        const listener = {
          onMessage: (message: string) => this.#hear(node, message),
          onListening: () => {
            // Calls sent while nobody listened are lost: wake the waiters that would have been called.
            if (delivering.has(node)) for (const line of this.#lines.values()) firstOf(line)?.wake();
            delivering.add(node);
            if (delivering.size >= quorum) resolve();
          },
          onRefused: (reason: string) =>
            onWarning(
              `${node.address} does not let this user listen, so waiters ask every ${FALLBACK / 1000} s instead of being notified: ${reason}`,
            ),
        };
        node.listen(channel, listener).catch(() => {}); // without this node's calls there is the fallback
      }
    });
    return this.#listening;
  }
}

/** Before those that have waited less. If the first is one of them, both stand in the queues of the nodes, which know who goes first. */
function insert(line: Set<Place>, place: Place): void {
  const later = [...line].filter(({ since }) => since > place.since);
  for (const other of later) line.delete(other);
  for (const one of [place, ...later]) line.add(one);
}

const firstOf = (line: ReadonlySet<Place>): Place | undefined => line.values().next().value;

/** One waiter's place in line. */
export class Place {
  readonly owner: string;
  /** Monotonic time since which this place is held. */
  readonly since: number;
  readonly #options: WaitingRoomOptions;
  readonly #onLeave: (won: boolean) => void;
  /** The nodes that said that a lock is reserved for this owner, and its key. */
  readonly #callers = new Map<RedisNode, string>();
  /** The nodes that said that this owner is the first in the queue, and for how long the lock is held there. */
  readonly #promoters = new Map<RedisNode, number>();
  #first = false;
  #stragglers: Timer | undefined;
  #expiry: Timer | undefined;
  /** Ends the current pause; there is at most one. */
  #wake: (() => void) | undefined;
  /** Whether it was woken while it did not pause. */
  #woken = false;

  constructor(
    { owner, since }: Pick<Place, 'owner' | 'since'>,
    options: WaitingRoomOptions,
    onLeave: (won: boolean) => void,
  ) {
    this.owner = owner;
    this.#options = options;
    this.#onLeave = onLeave;
    this.since = since;
  }

  /** Whether it is the first of this process, which alone asks the nodes. */
  get isFirst(): boolean {
    return this.#first;
  }

  beginTurn(): void {
    if (this.#first) return;
    this.#first = true;
    this.wake();
  }

  /** A node says that the lock is reserved for this owner. */
  call(node: RedisNode, lockKey: string): void {
    const { quorum, clock } = this.#options;
    this.#callers.set(node, lockKey);
    if (this.#callers.size >= quorum) this.wake();
    else this.#stragglers ??= clock.after(STRAGGLERS, () => this.wake(), { keepAlive: false });
  }

  /** A node says that this owner is first in its queue: from now on it watches the end of the lease. */
  promote(node: RedisNode, remaining: number): void {
    const { quorum, clock } = this.#options;
    this.#promoters.set(node, remaining);
    if (this.#promoters.size < quorum) return;
    this.#expiry?.cancel();
    const delay = Math.max(0, ...this.#promoters.values()) + 1;
    this.#expiry = clock.after(delay, () => this.wake(), { keepAlive: false });
  }

  /** A waiter that is not first does not ask the nodes, so there is no reason to wake it. */
  wake(): void {
    if (!this.#first) return;
    this.#woken = true;
    this.#wake?.();
  }

  /**
   * Forgets the calls so far: the nodes are asked now, and their answers are newer. Returns the key of the lock that
   * most of the calls were about, if there were any.
   */
  answer(): string | undefined {
    const calls = [...this.#callers.values()];
    const times = (key: string): number => calls.filter((call) => call === key).length;
    const [most] = calls.sort((a, b) => times(b) - times(a));
    this.#stragglers?.cancel();
    this.#stragglers = undefined;
    this.#expiry?.cancel();
    this.#callers.clear();
    this.#promoters.clear();
    this.#woken = false;
    return most;
  }

  /** Resolves when it is woken, after `delay` ms, or as soon as one of `signals` aborts; never rejects. */
  pause(delay: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    return new Promise((resolve) => {
      if (this.#woken || signals.some((signal) => signal?.aborted)) return resolve();
      const done = (): void => {
        timer.cancel();
        this.#wake = undefined;
        for (const leave of heard) leave();
        resolve();
      };
      const timer = this.#options.clock.after(delay, done);
      this.#wake = done;
      const heard = signals.map((signal) => onAbort(signal, done));
    });
  }

  leave(won: boolean): void {
    this.#stragglers?.cancel();
    this.#expiry?.cancel();
    this.#onLeave(won);
  }
}
