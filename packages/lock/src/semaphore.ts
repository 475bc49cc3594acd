/**
 * A semaphore over the quorum: at most a given number of permits at once.
 *
 * A permit is the exclusive lease on one of as many numbered slots, with all that this guarantees: a node cannot count
 * holders for the others, because majorities of five nodes that each count to two add up to three holders, but it can
 * guard a slot. Waiters stand in one queue for all slots.
 *
 * Guarantees: never more holders than permits, even when holders and nodes die. The number of permits is kept on the
 * nodes, and `resize` changes it; a client that gives another number is refused.
 */
import {
  MisuseError,
  type Readers,
  readOptions,
  requireName,
  UnavailableError,
  whole,
} from '@holdfast/kernel';
import { adoptLease } from './adopt.js';
import { throwIfClosed, unlessClosed } from './closing.js';
import type { LeaseKeys } from './deployment.js';
import { inspectSlot } from './inspect.js';
import type { HeldLease, Lease } from './lease.js';
import {
  type AcquireOptions,
  type Leasing,
  orNull,
  requireRoutine,
  type Terms,
  type TryOptions,
} from './leasing.js';
import type { Mode } from './modes.js';
import { PermitNumber } from './permits.js';
import { resize } from './resize.js';
import { type Handle, requireHandle, retireLease } from './retire.js';
import { count, explainSurvey, isDecided, type Votes } from './votes.js';

/** The most permits of a semaphore. */
const MOST = 1_000;

export interface SemaphoreOptions {
  /** How many clients may hold a permit at once, from 1 to 1000; all clients give the same number. */
  readonly permits: number;
}

const SEMAPHORE = { permits: whole(1, MOST) } satisfies Readers<SemaphoreOptions>;

export interface SemaphoreState {
  readonly name: string;
  /** How many permits there are, as the nodes know it; the highest number if a resize has not told all of them. */
  readonly permits: number;
  /** The holders of the permits. */
  readonly holders: readonly {
    readonly resource: string;
    readonly token: number;
    readonly owner: string;
    readonly remaining: number;
  }[];
  /** How many processes wait. */
  readonly waiting: number;
}

/** Made by `locks.semaphore`. A permit is a lease; its resource is the slot's, `<name>#<number>`, from 1. */
export class Semaphore {
  readonly name: string;
  readonly #leasing: Leasing;
  readonly #callTimeout: number;
  readonly #number: PermitNumber;
  #permits: number;
  /** Whether a resize of this handle has begun to tell the nodes, and has not succeeded yet. */
  #telling = false;

  /** @internal */
  constructor(leasing: Leasing, callTimeout: number, name: string, options: SemaphoreOptions) {
    this.name = requireName('name', name);
    this.#leasing = leasing;
    this.#callTimeout = callTimeout;
    this.#permits = readOptions('semaphore', options, SEMAPHORE).permits;
    const { members } = leasing.context;
    this.#number = new PermitNumber({ name, members, timeout: callTimeout });
  }

  get permits(): number {
    return this.#permits;
  }

  /**
   * Takes a permit, waiting for one if all are taken. Throws as `locks.acquire` does, and MisuseError if the nodes know
   * another number of permits.
   */
  async acquire(options: AcquireOptions = {}): Promise<Lease> {
    return this.#acquire(this.#leasing.terms('acquire', options));
  }

  /** Takes a permit if there is one; resolves to null otherwise. */
  async tryAcquire(options: TryOptions = {}): Promise<Lease | null> {
    return orNull(this.#acquire(this.#leasing.tryTerms('tryAcquire', options)));
  }

  /** Runs `routine` under a permit that is renewed until it ends, as `locks.using` does. */
  async using<T>(options: AcquireOptions, routine: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
    const terms = this.#leasing.terms('using', options);
    requireRoutine(routine);
    return this.#leasing.using(await this.#acquire(terms), routine);
  }

  /**
   * Changes the number of permits for everybody, whatever number this handle was given; clients that give the old one
   * are refused from then on. To lower the number, it waits until the permits to be removed are free. Throws BusyError
   * if they are not within `wait`, and UnavailableError if not all nodes could be told: repeat the call then, because
   * until it succeeds either number may be refused.
   */
  async resize(permits: number, options: AcquireOptions = {}): Promise<void> {
    SEMAPHORE.permits('permits', permits);
    const terms = this.#leasing.terms('resize', options);
    await this.#leasing.context.members.open();
    await resize(this.#leasing, {
      ...{ name: this.name, number: this.#number, permits, known: this.#permits, terms },
      onTelling: () => {
        this.#telling = true;
      },
      onTold: () => {
        this.#telling = false;
        this.#permits = permits;
      },
    });
    this.#leasing.context.waiting.wake(this.#line);
  }

  /**
   * Continues, in this process, a permit that another process has handed over, as `locks.adopt` does with a lease.
   * Throws as that does, and MisuseError if it is no permit of this semaphore.
   */
  async adopt(permit: Handle, options: Pick<AcquireOptions, 'ttl'> = {}): Promise<Lease> {
    const ttl = this.#leasing.ttl('adopt', options);
    const adopted = requireHandle('semaphore.adopt', permit, 'permit');
    const mode = this.#modeOf(this.#slotOf(adopted));
    const { members, closing } = this.#leasing.context;
    await members.open();
    const adopting = adoptLease(this.#leasing.context, mode, { ...adopted, ttl });
    return unlessClosed(closing, `adopting "${adopted.resource}"`, adopting);
  }

  /** Ends a permit for good, as `locks.retire` ends a lease. Throws MisuseError if it is not one of this semaphore. */
  async retire(permit: Handle): Promise<void> {
    const retired = requireHandle('semaphore.retire', permit, 'permit');
    const slot = this.#slotOf(retired);
    const { members, closing } = this.#leasing.context;
    await members.open();
    const retiring = retireLease(members, retired, this.#keysOf(slot));
    return unlessClosed(closing, `retiring "${retired.resource}"`, retiring);
  }

  /** Tells who holds permits now, whatever number this handle was given. Changes nothing. Throws UnavailableError. */
  async inspect(): Promise<SemaphoreState> {
    const { members } = this.#leasing.context;
    const opening = members.open();
    if (opening) await opening;
    const first = await this.#look(1);
    const known = first.permits.filter((permits) => permits > 0);
    const most = Math.max(...known, known.length === 0 ? this.#permits : 0);
    const others = Array.from({ length: most - 1 }, (_, index) => this.#look(index + 2));
    const states = [first, ...(await Promise.all(others))].map(({ state }) => state);
    return {
      name: this.name,
      permits: most,
      holders: states.flatMap(({ resource, token, owner = '', remaining = 0 }) =>
        token === undefined ? [] : [{ resource, token, owner, remaining }],
      ),
      waiting: Math.max(...states.map(({ waiting }) => waiting)),
    };
  }

  async #look(slot: number): ReturnType<typeof inspectSlot> {
    const { members, closing } = this.#leasing.context;
    const keys = { ...this.#keysOf(slot), permitsKey: this.#number.key };
    const seen = await inspectSlot(members, this.#callTimeout, this.#nameOf(slot), keys);
    throwIfClosed(closing, `inspecting the semaphore "${this.name}"`);
    if (seen.state.certain) return seen;
    throw new UnavailableError(
      `Too few nodes answered to tell who holds permits of "${this.name}".`,
      seen.state.nodes.map(({ node, state: how, reason }) => ({ node, reason: reason ?? how })),
    );
  }

  get #line(): string {
    return this.#keysOf(1).queueKey;
  }

  #nameOf(slot: number): string {
    return `${this.name}#${slot}`;
  }

  #slotOf({ resource }: Handle): number {
    const slot = Number(resource.slice(this.name.length + 1));
    if (Number.isInteger(slot) && slot >= 1 && slot <= MOST && resource === this.#nameOf(slot)) return slot;
    throw new MisuseError(`"${resource}" is no permit of "${this.name}"; give the resource of the permit.`);
  }

  #keysOf(slot: number): LeaseKeys {
    return this.#leasing.context.members.deployment.slotKeys(this.name, slot);
  }

  #acquire(terms: Terms): Promise<HeldLease> {
    return this.#leasing.acquire(this.#mode(), this.name, terms);
  }

  /** One slot, under a permit that was granted before. */
  #modeOf(slot: number): Mode {
    const permit = { numberKey: this.#number.key, permits: this.#permits, introduce: false };
    return {
      verbs: this.#leasing.context.members.verbs.permit,
      line: this.#line,
      kind: 'permit',
      propose: () => ({ resource: this.#nameOf(slot), keys: this.#keysOf(slot), permit }),
      adapt: () => false,
      onLacking: () => this.#number.teach(),
    };
  }

  /** Tries a random slot; if that is taken, asks which are free. The number may change while it waits. */
  #mode(): Mode {
    const { members, random } = this.#leasing.context;
    const { deployment, verbs } = members;
    const below = (length: number): number => Math.floor(random.unit() * length);
    let permits = this.#permits;
    let slot = 1 + below(permits);
    let introduce = false;
    let freeIn: number | undefined;
    return {
      verbs: verbs.permit,
      line: this.#line,
      kind: 'permit',
      get freeIn() {
        return freeIn;
      },
      propose: (called) => {
        permits = this.#permits;
        slot = (called && deployment.slotOf(called)) || slot;
        if (slot > permits) slot = 1 + below(permits);
        const permit = { numberKey: this.#number.key, permits, introduce };
        return { resource: this.#nameOf(slot), keys: this.#keysOf(slot), permit };
      },
      adapt: async (why, votes) => {
        introduce = why === 'introduce';
        if (why === 'number') return this.#isResized(permits, votes);
        if (why !== 'busy' && why !== 'split') return introduce;
        const survey = explainSurvey(await this.#survey(permits), deployment.quorum);
        freeIn = survey.freeIn;
        const free = survey.free[below(survey.free.length)];
        if (free === undefined) return false;
        slot = free + 1;
        return true;
      },
      onVotes: (votes) => {
        const unset = count(votes, 'unset');
        if (unset > 0 && unset <= votes.length - deployment.quorum) void this.#number.teach();
      },
      onLacking: () => this.#number.teach(),
    };
  }

  /** Whether the nodes refuse `permits` because this handle has resized the semaphore since. Throws MisuseError. */
  #isResized(permits: number, votes: Votes): boolean {
    if (permits !== this.#permits) return true;
    if (this.#telling) return false; // some nodes know, others do not: ask again
    const reasons = this.#leasing.context.members.reasons(votes);
    const lines = reasons.map(({ node, reason }) => `\n  ${node}: ${reason}`).join('');
    throw new MisuseError(
      `The semaphore "${this.name}" has another number of permits than this client gives; give all clients the same, or change it with resize().${lines}`,
    );
  }

  #survey(permits: number): Promise<Votes> {
    const { members } = this.#leasing.context;
    const lockKeys = Array.from({ length: permits }, (_, index) => this.#keysOf(index + 1).lockKey);
    return members.ask(this.#callTimeout * 5, {
      verb: members.verbs.survey,
      request: { lockKeys },
      subject: this.#line,
      isDecided: (votes) => isDecided(votes, members.deployment.quorum, 'surveyed'),
    });
  }
}
