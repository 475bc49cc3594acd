/**
 * Leader election: leadership is an exclusive lease that is renewed for as long as its holder lives.
 *
 * Guarantees: at most one leader at a time, as its lease tells it, and each under a higher token than those before.
 * When the leader resigns, the first campaigner takes over at once; when it dies, as soon as its lease has run out. A
 * leader that was paused learns of its end by the lease's signal, and a guard refuses what it still writes.
 */
import {
  AbortedError,
  abortSignal,
  BusyError,
  duration,
  MisuseError,
  onAbort,
  optional,
  pause,
  type Readers,
  readOptions,
  requireName,
  throwIfAborted,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import { throwIfClosed } from './closing.js';
import { inspectLock, type LockState } from './inspect.js';
import type { HeldLease, Lease } from './lease.js';
import type { Leasing } from './leasing.js';
import { exclusive } from './modes.js';

/** How long one call of acquire waits, in ms; a campaign repeats it. */
const PATIENCE = 3_600_000;

export interface ElectionOptions {
  /** How long leadership lasts without renewal, in ms, and so how long others wait for a dead leader. Default 10000. */
  readonly ttl?: number;
}

export interface Leader {
  /** The owner of the leadership, unique to this term. It begins with the `identity` of the leader's locks. */
  readonly owner: string;
  /** The `identity` that the leader gave to createLocks. */
  readonly identity: string;
  readonly token: number;
}

export interface ObserveOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** How often to look, in ms. Default 1000. */
  readonly interval?: number;
}

/** A campaign under way. */
interface Campaign {
  /** Aborts with the caller's signal, and on `resign`. */
  readonly ending: AbortController;
  resigned: boolean;
  /** Never rejects. */
  ended: Promise<unknown>;
}

const CAMPAIGN = { signal: optional(abortSignal) };

const OBSERVE = {
  signal: optional(abortSignal),
  interval: withDefault(duration({ min: 10 }), 1_000),
} satisfies Readers<ObserveOptions>;

/** Made by `locks.election`. */
export class Election {
  readonly name: string;
  readonly #leasing: Leasing;
  readonly #callTimeout: number;
  readonly #ttl: number;
  #campaign: Campaign | undefined;
  #leadership: HeldLease | undefined;
  #stopRenewal = (): void => {};

  /** @internal */
  constructor(leasing: Leasing, callTimeout: number, name: string, options: ElectionOptions) {
    this.name = requireName('name', name);
    this.#leasing = leasing;
    this.#callTimeout = callTimeout;
    this.#ttl = leasing.ttl('election', options);
  }

  /**
   * Waits to be elected, for as long as it takes, and then holds leadership until `resign`. The lease's `signal` aborts
   * when leadership is over; if it was lost, campaign again. Throws AbortedError when `signal` aborts or `resign` is
   * called, MisuseError if this election is already campaigning or leading.
   */
  async campaign(options: { readonly signal?: AbortSignal } = {}): Promise<Lease> {
    const { signal } = readOptions('campaign', options, CAMPAIGN);
    if (this.#campaign || this.isLeader) {
      const what = this.isLeader ? 'leads' : 'campaigns';
      throw new MisuseError(`This process already ${what} in "${this.name}"; resign() first.`);
    }
    const ending = new AbortController();
    const abort = (): void => ending.abort(signal?.reason);
    const leave = onAbort(signal, abort);
    if (signal?.aborted) abort();
    const campaign: Campaign = { ending, resigned: false, ended: Promise.resolve() };
    this.#campaign = campaign;
    const leading = this.#lead(campaign).finally(() => {
      leave();
      this.#campaign = undefined;
    });
    campaign.ended = leading.catch(() => {});
    return leading;
  }

  async #lead(campaign: Campaign): Promise<HeldLease> {
    const resigned = (): AbortedError =>
      new AbortedError(`resign() ended the campaign in "${this.name}".`, campaign.ending.signal.reason);
    const lease = await this.#win(campaign.ending.signal).catch((error: unknown) => {
      throw campaign.resigned && error instanceof AbortedError ? resigned() : error;
    });
    if (campaign.resigned) {
      await lease.release();
      throw resigned();
    }
    void lease.signal;
    const renewals = this.#leasing.renew(lease);
    this.#leadership = lease;
    this.#stopRenewal = () => {
      for (const renewal of renewals) renewal.stop();
    };
    return lease;
  }

  /** Nodes that are away for a while do not end a campaign. */
  async #win(signal: AbortSignal): Promise<HeldLease> {
    const { context } = this.#leasing;
    while (true) {
      const mode = exclusive(context.members, this.name);
      try {
        return await this.#leasing.acquire(mode, this.name, {
          ttl: this.#ttl,
          wait: PATIENCE,
          signal,
          above: undefined,
          waited: 0,
          request: undefined,
        });
      } catch (error) {
        if (!(error instanceof BusyError || error instanceof UnavailableError)) throw error;
        throwIfAborted(signal, `campaigning in "${this.name}"`);
      }
    }
  }

  /** Whether this process leads, as far as its lease tells. */
  get isLeader(): boolean {
    return (this.#leadership?.remaining() ?? 0) > 0;
  }

  /**
   * Gives leadership back, so that the next campaigner takes over at once, or ends a campaign, which rejects with an
   * AbortedError. Does nothing if this process neither leads nor campaigns.
   */
  async resign(): Promise<void> {
    const campaign = this.#campaign;
    if (campaign) {
      campaign.resigned = true;
      campaign.ending.abort();
      await campaign.ended;
    }
    this.#stopRenewal();
    await this.#leadership?.release();
    this.#leadership = undefined;
  }

  /**
   * The present leader; null if nobody leads, as far as the nodes can tell. Throws UnavailableError if too few answer.
   */
  async leader(): Promise<Leader | null> {
    return leaderOf(await this.#look());
  }

  /**
   * The leaders from now on, one after the other; null while nobody leads. Looks every `interval`, and when a lease
   * that is not renewed ends; a leader that came and went in between is not seen. While too few nodes answer, it waits.
   */
  async *observe(options: ObserveOptions = {}): AsyncGenerator<Leader | null, void, undefined> {
    const { clock, closing } = this.#leasing.context;
    const { signal, interval } = readOptions('observe', options, OBSERVE);
    let last: number | undefined | null = null;
    while (!signal?.aborted) {
      const state = await this.#look().catch((error: unknown) => {
        if (error instanceof UnavailableError) return undefined;
        throw error;
      });
      const leader = state && leaderOf(state);
      if (leader !== undefined && (last === null || leader?.token !== last)) {
        last = leader?.token;
        yield leader;
      }
      const end = state?.remaining === undefined ? interval : state.remaining + 1;
      await pause(clock, Math.min(interval, end), signal, closing);
      if (closing.aborted)
        throw new AbortedError(`The locks were closed while observing "${this.name}".`, closing.reason);
    }
  }

  async #look(): Promise<LockState> {
    const { members } = this.#leasing.context;
    const opening = members.open();
    if (opening) await opening;
    const state = await inspectLock(members, this.#callTimeout, this.name);
    throwIfClosed(this.#leasing.context.closing, `looking who leads "${this.name}"`);
    if (state.certain) return state;
    throw new UnavailableError(
      `Too few nodes answered to know who leads "${this.name}".`,
      state.nodes.map(({ node, state: how, reason }) => ({ node, reason: reason ?? how })),
    );
  }
}

function leaderOf({ owner, token }: LockState): Leader | null {
  if (owner === undefined || token === undefined) return null;
  return { owner, identity: owner.slice(0, owner.lastIndexOf('/')), token };
}
