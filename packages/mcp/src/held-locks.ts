/**
 * The locks that an agent holds. An agent is silent for minutes while it thinks, and so could not extend a lease of seconds;
 * this process extends it, and ends with the agent: then the lease runs out with its TTL.
 *
 * Guarantees: a lock is given back when its time is over, when the agent gives it back, or when `close` is called, whichever
 * is first. A lock that was lost is told of with each answer until the agent gives it back or takes it anew. After `close`
 * none is held, also none that was granted meanwhile.
 */
import type { Client, HeldLease } from '@holdfast/client';
import { type Clock, display, MisuseError, type Timer } from '@holdfast/kernel';

/** How long the lease outlives this process, in ms. */
const TTL = 15_000;
/** How many locks an agent may hold. */
const MOST = 100;

interface Held {
  readonly lease: HeldLease;
  until: number;
  timer: Timer;
}

/** A lock as the agent is told of it. */
export interface HeldLock {
  readonly resource: string;
  readonly token: number;
  readonly issuer: string;
  /** For how many ms this process keeps it, if it is not lost before. */
  readonly heldFor: number;
}

export class HeldLocks {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();
  /** Names that are being asked for. */
  readonly #asked = new Set<string>();
  readonly #closing = new AbortController();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Throws MisuseError if the agent has the lock, or too many; and what `client.lease` throws. */
  async acquire(
    name: string,
    how: { readonly wait: number; readonly hold: number; readonly signal: AbortSignal },
  ): Promise<HeldLock> {
    const own = this.#held.get(name);
    if (own && !own.lease.signal.aborted)
      throw new MisuseError(
        `You hold ${display(name)} already, under token ${own.lease.token}; lock_renew keeps it for longer.`,
      );
    if (this.#asked.has(name)) throw new MisuseError(`You are asking for ${display(name)} already.`);
    if (this.#held.size + this.#asked.size >= MOST)
      throw new MisuseError(`You hold ${MOST} locks, the most there can be; give some back first.`);
    this.#asked.add(name);
    try {
      const signal = AbortSignal.any([how.signal, this.#closing.signal]);
      const lease = await this.#client.lease(name, { ttl: TTL, wait: how.wait, signal });
      if (signal.aborted) {
        await lease.release();
        throw signal.reason;
      }
      return this.#keep(name, lease, how.hold);
    } finally {
      this.#asked.delete(name);
    }
  }

  /** Keeps it for `hold` ms from now. Throws MisuseError if the agent does not hold it, LeaseLostError if it is lost. */
  renew(name: string, hold: number): HeldLock {
    const { lease, timer } = this.#own(name);
    timer.cancel();
    if (!lease.signal.aborted) return this.#keep(name, lease, hold);
    this.#held.delete(name); // the agent is told now
    throw lease.signal.reason;
  }

  /** Throws as `renew` does. */
  async release(name: string): Promise<void> {
    const { lease, timer } = this.#own(name);
    timer.cancel();
    this.#held.delete(name);
    if (lease.signal.aborted) throw lease.signal.reason;
    await lease.release();
  }

  list(): HeldLock[] {
    return [...this.#held.values()]
      .filter(({ lease }) => !lease.signal.aborted)
      .map((held) => this.#told(held));
  }

  /** What the agent has to know: a sentence for each lock that is over. */
  lost(): string[] {
    return [...this.#held].flatMap(([name, { lease }]) =>
      lease.signal.aborted
        ? `LOST: your lock ${display(name)}, token ${lease.token}, is over. Stop writing under it; lock_release ends this notice.`
        : [],
    );
  }

  async close(): Promise<void> {
    this.#closing.abort(new MisuseError('The agent has gone.'));
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { timer } of all) timer.cancel();
    await Promise.all(all.map(({ lease }) => lease.release()));
  }

  #own(name: string): Held {
    const own = this.#held.get(name);
    if (own) return own;
    const names = [...this.#held.keys()].map(display).join(', ');
    throw new MisuseError(`You do not hold ${display(name)}; you hold ${names || 'no lock'}.`);
  }

  #keep(name: string, lease: HeldLease, hold: number): HeldLock {
    const timer = this.#clock.after(hold, () => void lease.release());
    const held = { lease, timer, until: this.#clock.now() + hold };
    this.#held.set(name, held);
    return this.#told(held);
  }

  #told({ lease: { resource, token, issuer }, until }: Held): HeldLock {
    return { resource, token, issuer, heldFor: Math.max(0, Math.round(until - this.#clock.now())) };
  }
}
