/**
 * A semaphore over the quorum: at most so many permits at once.
 *
 * A permit is the exclusive lease on one of as many numbered slots, with all that this guarantees: a node cannot count
 * holders for the others, because majorities of five nodes that each count to two add up to three holders, but it can
 * guard a slot. Whoever waits stands in one queue for all slots.
 *
 * Guarantees: never more holders than permits, also when holders and nodes die. The number of permits is kept on the
 * nodes; a client that gives another is refused. It changes by `resize`.
 */
import { display, MisuseError, requireKnown, requireName, UnavailableError } from '@holdfast/kernel';
import { inspectLock } from './inspect.js';
import type { HeldLease, Lease } from './lease.js';
import { type AcquireOptions, type Leasing, orNull, type TryOptions } from './leasing.js';
import type { Mode } from './modes.js';
import { exclusive } from './modes.js';
import { explainSurvey, isDecided, type Refusal, type Votes } from './votes.js';

/** The most permits of a semaphore. */
const MOST = 1_000;

export interface SemaphoreOptions {
  /** How many may hold a permit at once, from 1 to 1000; all clients give the same. */
  readonly permits: number;
}

export interface SemaphoreState {
  readonly name: string;
  readonly permits: number;
  /** Who holds permits. */
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
  readonly #nodeTimeout: number;
  #permits: number;

  /** @internal */
  constructor(leasing: Leasing, nodeTimeout: number, name: string, options: SemaphoreOptions) {
    requireKnown('semaphore', options, ['permits']);
    this.name = requireName('name', name);
    this.#leasing = leasing;
    this.#nodeTimeout = nodeTimeout;
    this.#permits = requirePermits(options.permits);
  }

  get permits(): number {
    return this.#permits;
  }

  /**
   * Takes a permit, waiting for one if all are taken. Throws as `locks.acquire` does, and MisuseError if the nodes know
   * another number of permits.
   */
  async acquire(options: AcquireOptions = {}): Promise<Lease> {
    return this.#acquire(options);
  }

  /** Takes a permit if there is one; resolves to null otherwise. */
  async tryAcquire(options: TryOptions = {}): Promise<Lease | null> {
    requireKnown('tryAcquire', options, ['ttl', 'signal']);
    return orNull(this.#acquire({ ...options, wait: 0 }));
  }

  /** Runs `routine` under a permit that is renewed until it ends, as `locks.using` does. */
  async using<T>(options: AcquireOptions, routine: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
    return this.#leasing.using(await this.#acquire(options), routine);
  }

  /**
   * Changes the number of permits for everybody; clients that give the old number are refused from then on. To lower it,
   * waits until the permits that go are free. Throws BusyError if they are not within `wait`, and UnavailableError if
   * not all nodes could be told: repeat it then, because until it is done both numbers may be refused.
   */
  async resize(permits: number, options: AcquireOptions = {}): Promise<void> {
    const { members } = this.#leasing.context;
    requirePermits(permits);
    const going = Array.from(
      { length: Math.max(0, this.#permits - permits) },
      (_, index) => `${this.name}#${permits + index + 1}`,
    );
    const held: HeldLease[] = [];
    try {
      for (const slot of going) held.push(await this.#take(slot, options));
      const opening = members.open();
      if (opening) await opening;
      const votes = await this.#tell(permits, true);
      const told = votes.filter((vote) => vote?.kind === 'permits' && vote.permits === permits);
      if (told.length < votes.length) {
        throw new UnavailableError(
          `Not all nodes know yet that "${this.name}" has ${permits} permits; repeat resize(${permits}).`,
          members.reasons(votes),
        );
      }
      this.#permits = permits;
    } finally {
      await Promise.all(held.map((lease) => lease.release()));
    }
  }

  /** Who holds permits now. Changes nothing. */
  async inspect(): Promise<SemaphoreState> {
    const { members } = this.#leasing.context;
    const opening = members.open();
    if (opening) await opening;
    const look = (slot: string) => inspectLock(members, this.#nodeTimeout, slot, this.#line);
    const states = await Promise.all(this.#slots.map(look));
    return {
      name: this.name,
      permits: this.#permits,
      holders: states.flatMap(({ resource, token, owner = '', remaining = 0 }) =>
        token === undefined ? [] : [{ resource, token, owner, remaining }],
      ),
      waiting: Math.max(...states.map(({ waiting }) => waiting)),
    };
  }

  get #line(): string {
    return `${this.name}#`;
  }

  get #slots(): string[] {
    return Array.from({ length: this.#permits }, (_, index) => `${this.name}#${index + 1}`);
  }

  #acquire(options: AcquireOptions): Promise<HeldLease> {
    return this.#leasing.acquire(this.#mode(), this.name, options);
  }

  #take(slot: string, options: AcquireOptions): Promise<HeldLease> {
    const mode: Mode = { ...exclusive(this.#leasing.context.members.verbs, slot), line: this.#line };
    return this.#leasing.acquire(mode, slot, options);
  }

  /** Tries a slot by chance; where that is taken, asks which are free. */
  #mode(): Mode {
    const { members, random } = this.#leasing.context;
    const { deployment, verbs } = members;
    const slots = this.#slots;
    const slotOf = new Map(slots.map((slot) => [deployment.lockKey(slot), slot]));
    const pick = (from: readonly string[]): string => from[Math.floor(random.unit() * from.length)] as string;
    const permit = { numberKey: deployment.permitsKey(this.name), permits: this.#permits };
    let slot = pick(slots);
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
        slot = slotOf.get(called ?? '') ?? slot;
        return { resource: slot, permit: { ...permit, introduce } };
      },
      adapt: async (why: Refusal | 'slow') => {
        introduce = why === 'introduce';
        if (why !== 'busy' && why !== 'split') return introduce;
        const survey = explainSurvey(await this.#survey(slotOf), deployment.quorum);
        freeIn = survey.freeIn;
        if (survey.free.length === 0) return false;
        slot = pick(survey.free.map((index) => slots[index] as string));
        return true;
      },
      // A majority knows the number: those that know none may learn it.
      onGranted: (votes) => {
        if (votes.some((vote) => vote?.kind === 'unset')) void this.#tell(permit.permits, false);
      },
    };
  }

  #survey(slots: ReadonlyMap<string, string>): Promise<Votes> {
    const { members } = this.#leasing.context;
    return members.ask(this.#nodeTimeout * 5, {
      verb: members.verbs.survey,
      request: { lockKeys: [...slots.keys()] },
      subject: this.#line,
      isDecided: (votes) => isDecided(votes, members.deployment.quorum, 'surveyed'),
    });
  }

  /** Tells every node the number of permits. */
  #tell(permits: number, replace: boolean): Promise<Votes> {
    const { members } = this.#leasing.context;
    const numberKey = members.deployment.permitsKey(this.name);
    return members.ask(this.#nodeTimeout * 5, {
      verb: members.verbs.number,
      request: { numberKey, permits, replace },
      subject: numberKey,
      isDecided: (votes) => !votes.includes(undefined),
    });
  }
}

function requirePermits(permits: unknown): number {
  if (typeof permits === 'number' && Number.isInteger(permits) && permits >= 1 && permits <= MOST)
    return permits;
  throw new MisuseError(`permits is a whole number from 1 to ${MOST}; got ${display(permits)}.`);
}
