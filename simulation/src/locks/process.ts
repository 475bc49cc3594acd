/**
 * A client's process: its locks, its guard, and the tasks that go on in it at the same time.
 *
 * Guarantees: it uses only what users use. A task that is told an error goes on with its next step; an error that no
 * user should see in a correct deployment is a violation.
 */

import type { RedisGuard } from '@holdfast/fence/redis';
import type { Lease, Locks, MultiLease } from '@holdfast/lock';
import { entryOf, type Ledger, ledgerKey } from '../checks/ledger.js';
import type { Marks } from '../checks/marks.js';
import type { Asked, Judged, Oracle } from '../checks/oracle.js';
import { EXCLUSIVE, type Kind, RESIZED, SEMAPHORE, type Step } from '../plan/plan.js';
import type { Actor } from '../run/crew.js';
import type { Subject } from '../run/subject.js';
import type { SimulatedClient } from '../world/client.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { writeAs } from './issuers.js';

export interface ProcessOptions {
  readonly world: World;
  readonly subject: Subject;
  readonly oracle: Oracle;
  readonly ledger: Ledger;
  readonly marks: Marks;
  /** Its place in the plan. */
  readonly place: number;
  /** How many processes were there before. */
  readonly life: number;
}

/** What a correct deployment may tell a user who does nothing wrong. */
const EXPECTED = ['BUSY', 'UNAVAILABLE', 'LEASE_LOST', 'STALE_TOKEN', 'ABORTED'].map(
  (word) => `HOLDFAST_${word}`,
);

/** How long a process waits for its guard, in ms. */
const PATIENCE = 1_000;

export class Process implements Actor<Step> {
  readonly machine: Machine;
  readonly locks: Locks;
  readonly guard: RedisGuard;
  readonly #options: ProcessOptions;
  readonly #reader: SimulatedClient;
  #entries = 0;

  constructor(options: ProcessOptions) {
    const { world, subject, place, life } = options;
    this.#options = options;
    this.machine = world.start(place, life);
    const { clock, random, name } = this.machine;
    const { store, plan } = world;
    this.locks = subject.createLocks({
      ...plan.deployment,
      allowEven: true,
      nodes: world.nodes.slice(0, plan.nodes).map((node) => world.connect(place, node)),
      clock,
      random,
      identity: name,
      onWarning: () => {},
    });
    this.guard = subject.createRedisGuard({
      redis: world.connect(place, store),
      window: plan.deployment.window,
      callTimeout: PATIENCE,
      clock,
    });
    this.#reader = world.connect(place, store);
    void this.#reader.connect();
  }

  sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.machine.clock.after(duration, resolve);
    });
  }

  /** Rejects only with what is no error of a run. */
  async perform(step: Step): Promise<void> {
    await this.sleep(step.after);
    try {
      if (step.f === 'several') await this.#holdSeveral(step);
      else if (step.f === 'adopt') await this.#adopt(step);
      else if (step.f === 'resize') await this.#resize(step);
      else if (step.f === 'issued') await this.#writeAs(step);
      else await this.#hold(step);
    } catch (error) {
      this.note(`is told: ${error instanceof Error ? error.message : error}`);
      const mayDisagree = 'resource' in step && step.resource === RESIZED.name;
      if (!mayDisagree || codeOf(error) !== MISUSE) this.#judge(error);
    }
  }

  /** Takes a lease of a kind, and says so to who judges. */
  async acquire(kind: Kind, resource: string, terms: Terms, believed?: number): Promise<Lease> {
    const asked = this.#asks(kind, resource);
    asked.permits = believed ?? this.#options.oracle.resized.told;
    try {
      const lease = await this.#acquire(kind, resource, terms, asked.permits);
      this.#granted(asked, lease);
      return lease;
    } finally {
      this.#options.oracle.asksNoMore(asked);
    }
  }

  async release(lease: { release(): Promise<void> } & Judged): Promise<void> {
    this.#options.oracle.ended(lease);
    if (this.#options.world.isTraced) this.note(`releases "${lease.resource}"`);
    await lease.release();
  }

  /** Asks until a majority votes: a quarantine begins only when somebody asks. */
  async settle(limit: number): Promise<void> {
    const lease = await this.locks.acquire(`settling ${this.machine.name}`, { ttl: 50, wait: limit });
    await lease.release();
    await this.locks.inspect(EXCLUSIVE[0]);
    await this.locks.semaphore(SEMAPHORE.name, { permits: SEMAPHORE.permits }).inspect();
  }

  close(): Promise<unknown> {
    this.#reader.disconnect();
    return Promise.all([this.locks.close(), this.guard.close()]);
  }

  note(what: string): void {
    this.#options.world.note(this.machine.name, what);
  }

  async #hold(step: Step & { f: 'hold' }): Promise<void> {
    const { kind, resource } = step;
    const terms = this.#terms(step);
    if (step.renewed && kind !== 'permit') {
      const asked = this.#asks(kind, resource);
      const using = kind === 'shared' ? 'usingShared' : 'using';
      const held = this.locks[using](resource, terms, async (lease) => {
        this.#granted(asked, lease);
        this.#options.oracle.asksNoMore(asked);
        try {
          await this.#work(lease, step);
        } finally {
          this.#options.oracle.ended(lease);
        }
      });
      return held.catch((error: unknown) => {
        if (codeOf(error) === LOST) this.#options.oracle.lapsed(resource, terms.ttl);
        throw error;
      });
    }
    const lease = await this.acquire(kind, resource, terms, step.believed);
    try {
      await this.#work(lease, step);
    } finally {
      await this.release(lease);
    }
  }

  /** Works while it may: writes and extends, and sleeps in between. */
  async #work(lease: Lease, step: Step & { f: 'hold' }): Promise<void> {
    const rounds = Math.max(1, step.writes, step.extensions);
    for (let round = 0; round < rounds && (step.heedless || !lease.signal.aborted); round += 1) {
      await this.sleep((step.hold / rounds) * 2 * (round % 2 === 0 ? step.pace : 1 - step.pace));
      if (round < step.extensions) await this.#extend(lease, step);
      if (round < step.writes) await this.#write(lease);
    }
  }

  async #extend(lease: Lease, { kind, extendedTtl }: Step & { f: 'hold' }): Promise<void> {
    const overtaker = this.#options.oracle.overtaker(lease, kind);
    try {
      const how = await lease.extend(extendedTtl);
      this.note(`${how} "${lease.resource}"`);
      this.#options.oracle.extended(lease, overtaker);
    } catch (error) {
      if (codeOf(error) === LOST) this.#options.oracle.lost(lease);
      // Its old validity stands, and it may be tried again, even by one that has run out.
      if (codeOf(error) !== UNAVAILABLE) throw error;
    }
  }

  async #writeAs(step: Step & { f: 'issued' }): Promise<void> {
    const { marks } = this.#options;
    const writing = writeAs(step, { guard: this.guard, marks, sleep: (duration) => this.sleep(duration) });
    // That the resource is another issuer's is what this step may be told.
    await writing.catch((error: unknown) => {
      if (!(error instanceof Error && 'expected' in error)) throw error;
      this.note(`is told: ${error.message}`);
    });
  }

  /** A guarded read-modify-write: seal, read, write. */
  async #write(lease: Lease): Promise<void> {
    const { ledger } = this.#options;
    const key = ledgerKey(lease.resource);
    const sealed = await this.guard.seal(lease);
    const before: string | null = await this.#reader.call('GET', [key]);
    this.#entries += 1;
    const entry = entryOf(lease.token, `${this.machine.name}.${this.#entries}`);
    await sealed.write([['SET', key, before === null ? entry : `${before},${entry}`]]);
    ledger.acknowledged(entry);
  }

  async #holdSeveral(step: Step & { f: 'several' }): Promise<void> {
    const asked = step.resources.map((resource) => this.#asks('exclusive', resource));
    const all: MultiLease = await this.locks.acquire(step.resources, this.#terms(step));
    const parts = step.resources.map((resource) => ({
      resource,
      token: all.tokens[resource] ?? 0,
      get signal(): AbortSignal {
        return all.signal;
      },
      remaining: () => all.remaining(),
    }));
    for (const [index, part] of parts.entries()) this.#granted(asked[index] as Asked, part);
    try {
      await this.sleep(step.hold);
      await all.extend();
      for (const part of parts) this.#options.oracle.extended(part);
    } finally {
      for (const part of parts) this.#options.oracle.ended(part);
      await all.release();
    }
  }

  /** A lease that goes on under another handle, as in another process, and is retired: then it cannot be adopted. */
  async #adopt(step: Step & { f: 'adopt' }): Promise<void> {
    const lease = await this.acquire('exclusive', step.resource, { ttl: step.ttl, wait: 0 });
    this.#options.oracle.ended(lease);
    const adopted = await this.locks.adopt(lease, { ttl: step.ttl });
    this.note(`has adopted "${step.resource}"`);
    await this.sleep(step.hold);
    await this.locks.retire(adopted);
    const again = await this.locks.adopt(adopted, { ttl: step.ttl }).catch((error: unknown) => error);
    if (!(again instanceof Error))
      this.#options.oracle.violate('retired', `"${step.resource}" was adopted after it had been retired`);
    else this.#judge(again);
  }

  /** As a script of an operator does, whatever the number is that its handle is given. */
  async #resize({ believed, permits, ttl, wait }: Step & { f: 'resize' }): Promise<void> {
    const { oracle } = this.#options;
    this.note(`resizes "${RESIZED.name}" to ${permits}`);
    const settle = oracle.resizes(permits, this.machine);
    try {
      await this.locks.semaphore(RESIZED.name, { permits: believed }).resize(permits, { ttl, wait });
      settle(true);
    } catch (error) {
      settle(false);
      throw error;
    }
  }

  #acquire(kind: Kind, resource: string, terms: Terms, permits: number): Promise<Lease> {
    if (kind === 'exclusive') return this.locks.acquire(resource, terms);
    if (kind === 'shared') return this.locks.acquireShared(resource, terms);
    const number = resource === RESIZED.name ? permits : SEMAPHORE.permits;
    return this.locks.semaphore(resource, { permits: number }).acquire(terms);
  }

  #terms({ ttl, wait, abortAfter }: Terms & { abortAfter?: number | undefined }): Terms {
    if (abortAfter === undefined) return { ttl, wait };
    const patience = new AbortController();
    this.machine.clock.after(abortAfter, () => patience.abort());
    return { ttl, wait, signal: patience.signal };
  }

  #asks(kind: Kind, resource: string): Asked {
    this.note(`asks for ${kind} "${resource}"`);
    return this.#options.oracle.asks(kind, resource);
  }

  #granted(asked: Asked, lease: Judged): void {
    if (this.#options.world.isTraced) {
      this.note(`has "${lease.resource}" under ${lease.token} for ${lease.remaining().toFixed(1)} ms`);
    }
    void lease.signal;
    this.#options.oracle.granted(asked, lease, this.machine);
  }

  #judge(error: unknown): void {
    const code = codeOf(error);
    // The reader is no part of Holdfast: what it says is Redis's.
    const reading =
      error instanceof Error && /Stream isn't writeable|Connection is closed/.test(error.message);
    if (!EXPECTED.includes(code) && !reading) this.#options.oracle.violate('error', String(error));
  }
}

const MISUSE = 'HOLDFAST_MISUSE';

const LOST = 'HOLDFAST_LEASE_LOST';

const UNAVAILABLE = 'HOLDFAST_UNAVAILABLE';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

interface Terms {
  readonly ttl: number;
  readonly wait: number;
  readonly signal?: AbortSignal;
}
