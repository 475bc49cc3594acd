/**
 * The work of a client, one thing after another: it asks for a lease of some kind, holds it for shorter or longer than
 * its TTL, extends it or lets it be renewed, writes under it, and gives it back or forgets it.
 */
import { pause, type Random, systemClock, UnavailableError } from '@holdfast/kernel';
import type { AcquireOptions, Lease, Locks, Semaphore } from '@holdfast/lock';
import type { Operation } from '../history/event.js';
import { LEDGERS, PERMITS, SEMAPHORE, SHARED } from './assignment.js';
import type { Ledger } from './ledger.js';
import { endOfValidity, monotonic, type Recorder } from './recorder.js';

export interface WorkerOptions {
  readonly locks: Locks;
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly shares: boolean;
  /** Aborts when no new work is to be begun. */
  readonly finishing: AbortSignal;
}

type Acquire = Extract<Operation, { f: 'acquire' }>;

/** A lease, under the id and the name that the history knows it by. */
interface Held {
  readonly id: string;
  readonly operation: Acquire;
  readonly lease: Lease;
  /** Whether a write has an unknown outcome, so that nothing may follow it. */
  doubtful: boolean;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #pool: Semaphore;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#pool = options.locks.semaphore(SEMAPHORE, { permits: PERMITS });
  }

  async work(): Promise<void> {
    const { finishing } = this.#options;
    while (!finishing.aborted) {
      const operation = this.#draw();
      if (this.#chance(0.35)) await this.#useOne(operation);
      else await this.#takeOne(operation);
      await this.#rest(this.#between(5, 150));
    }
  }

  /** Asks for every resource once; nothing stands in the way any more but what the others are granted. */
  async askForAll(limit: number, onStarved: (resource: string, error: unknown) => void): Promise<void> {
    const kinds: Record<string, Acquire['kind']> = { [SHARED]: 'shared', [SEMAPHORE]: 'permit' };
    const ask = async (resource: string): Promise<void> => {
      const kind = kinds[resource] ?? 'exclusive';
      const { id, lease, error } = await this.#acquire({ f: 'acquire', kind, resource, ttl: 1_000 }, limit);
      if (lease) await this.#release(id, resource, lease);
      else onStarved(resource, error);
    };
    await Promise.all([...LEDGERS, SHARED, SEMAPHORE].map(ask));
  }

  #draw(): Acquire {
    const resources = [...LEDGERS, SHARED, SEMAPHORE];
    const resource = resources[Math.floor(this.#options.random.unit() * resources.length)] as string;
    const ttl = Math.round(this.#between(1_000, 4_000));
    if (resource === SEMAPHORE) return { f: 'acquire', kind: 'permit', resource, ttl };
    const shared = this.#options.shares && resource === SHARED && this.#chance(0.7);
    return { f: 'acquire', kind: shared ? 'shared' : 'exclusive', resource, ttl };
  }

  async #takeOne(operation: Acquire): Promise<void> {
    const wait = this.#chance(0.3) ? 0 : Math.round(this.#between(100, 3_000));
    const { id, lease } = await this.#acquire(operation, wait);
    if (!lease) return;
    const held: Held = { id, operation, lease, doubtful: false };
    await this.#hold(held, this.#holdTime(operation.ttl), true);
    // A forgotten lease runs out.
    if (this.#chance(0.9)) await this.#release(id, operation.resource, lease);
  }

  /** Under a lease that is renewed. The renewals call `extend` of the very lease, where they are recorded. */
  async #useOne(operation: Acquire): Promise<void> {
    const { recorder } = this.#options;
    const { resource, ttl } = operation;
    const id = recorder.invoke(operation);
    let releasing: string | undefined;
    try {
      await this.#using(operation, { ttl, wait: Math.round(this.#between(0, 3_000)) }, async (lease) => {
        this.#granted(id, lease);
        const extend = lease.extend.bind(lease);
        lease.extend = (asked = ttl) => this.#extended({ id, operation, lease }, asked, extend);
        await this.#hold({ id, operation, lease, doubtful: false }, this.#between(50, 2 * ttl), false);
        releasing = recorder.invoke({ f: 'release', lease: id, resource });
      });
      if (releasing) recorder.ok(releasing, monotonic());
    } catch (error) {
      if (releasing) recorder.ok(releasing, monotonic());
      else recorder.failed(id, error);
    }
  }

  /** Passes the time under a lease; a process that heeds the signal stops when it aborts, and some do not. */
  async #hold(held: Held, time: number, extends_: boolean): Promise<void> {
    const { finishing } = this.#options;
    const end = systemClock.now() + time;
    const heeds = this.#chance(0.7);
    for (;;) {
      if (held.operation.kind === 'exclusive' && LEDGERS.includes(held.operation.resource)) {
        if (this.#chance(0.8)) await this.#write(held);
      }
      const left = end - systemClock.now();
      if (left <= 0 || finishing.aborted || (heeds && held.lease.signal.aborted)) return;
      await this.#rest(Math.min(left, this.#between(20, 700)));
      if (extends_ && this.#chance(0.4)) {
        const ttl = Math.round(this.#between(1_000, 4_000));
        const kept = await this.#extended(held, ttl, (asked) => held.lease.extend(asked)).catch(() => false);
        if (kept === false && heeds) return;
      }
    }
  }

  async #write(held: Held): Promise<void> {
    const { recorder, ledger } = this.#options;
    const { resource } = held.operation;
    const { token } = held.lease;
    if (held.doubtful) return;
    let write: (id: string) => Promise<void>;
    try {
      write = await ledger.open(held.lease);
    } catch {
      return; // stale, or the store does not answer
    }
    // The read may be outdated by the time of the write that builds on it: the guard must then refuse the write.
    if (this.#chance(0.3)) await this.#rest(this.#between(50, 3_000));
    const id = recorder.invoke({ f: 'write', lease: held.id, resource, token });
    try {
      await write(id);
      recorder.ok(id, monotonic(), { token });
    } catch (error) {
      held.doubtful = error instanceof UnavailableError;
      recorder.failed(id, error);
    }
  }

  async #acquire(operation: Acquire, wait: number): Promise<{ id: string; lease?: Lease; error?: unknown }> {
    const id = this.#options.recorder.invoke(operation);
    try {
      const lease = await this.#ask(operation, { ttl: operation.ttl, wait });
      this.#granted(id, lease);
      return { id, lease };
    } catch (error) {
      this.#options.recorder.failed(id, error);
      return { id, error };
    }
  }

  #ask({ kind, resource }: Acquire, options: AcquireOptions): Promise<Lease> {
    const { locks } = this.#options;
    if (kind === 'permit') return this.#pool.acquire(options);
    return kind === 'shared' ? locks.acquireShared(resource, options) : locks.acquire(resource, options);
  }

  #using(
    { kind, resource }: Acquire,
    options: AcquireOptions,
    routine: (lease: Lease) => Promise<void>,
  ): Promise<void> {
    const { locks } = this.#options;
    if (kind === 'permit') return this.#pool.using(options, routine);
    return kind === 'shared'
      ? locks.usingShared(resource, options, routine)
      : locks.using(resource, options, routine);
  }

  async #extended(
    { id: lease, operation: { resource }, lease: held }: Omit<Held, 'doubtful'>,
    ttl: number,
    extend: (ttl: number) => Promise<'kept' | 'resumed'>,
  ): Promise<'kept' | 'resumed'> {
    const { recorder } = this.#options;
    const id = recorder.invoke({ f: 'extend', lease, resource, ttl });
    try {
      const how = await extend(ttl);
      const at = monotonic();
      recorder.ok(id, at, { how, token: held.token, validUntil: endOfValidity(at, held.remaining()) });
      return how;
    } catch (error) {
      recorder.failed(id, error);
      throw error;
    }
  }

  /** The moment is read before the validity, so that what is recorded is never more than what was promised. */
  #granted(id: string, lease: Lease): void {
    const at = monotonic();
    const validUntil = endOfValidity(at, lease.remaining());
    this.#options.recorder.ok(id, at, { token: lease.token, validUntil });
  }

  async #release(lease: string, resource: string, held: Lease): Promise<void> {
    const { recorder } = this.#options;
    const id = recorder.invoke({ f: 'release', lease, resource });
    await held.release();
    recorder.ok(id, monotonic());
  }

  /** Mostly short, sometimes about as long as the TTL, sometimes longer. */
  #holdTime(ttl: number): number {
    const lot = this.#options.random.unit();
    if (lot < 0.6) return this.#between(5, 300);
    return lot < 0.85 ? this.#between(300, 0.9 * ttl) : this.#between(ttl, 1.8 * ttl);
  }

  #chance(probability: number): boolean {
    return this.#options.random.unit() < probability;
  }

  #between(low: number, high: number): number {
    return low + this.#options.random.unit() * (high - low);
  }

  #rest(time: number): Promise<void> {
    return pause(systemClock, time, this.#options.finishing);
  }
}
