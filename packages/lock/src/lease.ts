/**
 * A lease: the exclusive, timed right to a resource, with its fencing token.
 *
 * Guarantees: `remaining()` never says more than a majority of nodes will honour. `extend` keeps the token or fails.
 * `release` never rejects, whenever it is called, and never waits for a dead node beyond the node timeout.
 */
import {
  type Allowance,
  type Clock,
  LeaseLostError,
  LeaseSignal,
  MisuseError,
  type NodeReason,
  type Random,
  renewalDue,
  requireDuration,
  type TokenHolder,
  UnavailableError,
  validUntil,
} from '@holdfast/kernel';
import type { RedisNode } from '@holdfast/redis';
import type { Context } from '@opentelemetry/api';
import type { Members } from './members.js';
import type { LeaseTarget } from './requests.js';
import { forbidden } from './rights.js';
import type { Holding, LeaseKind, Telemetry } from './telemetry.js';
import { explainExtend, isDecided, isExtendDecided, type Vote, type Votes } from './votes.js';

export interface Lease extends TokenHolder, AsyncDisposable {
  readonly resource: string;
  /** The fencing token, a safe integer, higher than that of every earlier lease on the resource. */
  readonly token: number;
  /** The issuer of the token: "locks:<deployment>". Guards compare only tokens of the same issuer. */
  readonly issuer: string;
  /** The text that identifies the holder: unique to this lease. */
  readonly owner: string;
  /**
   * Aborts with a LeaseLostError when the lease is over, so that no work goes on under it: before its validity ends,
   * when it can no longer be proved valid; and when it is released, in case work still goes on under it then. After
   * `extend` has resumed a lease, read this property again: an aborted signal stays aborted.
   */
  readonly signal: AbortSignal;
  /** Milliseconds for which the lease is certainly valid, on the monotonic clock; 0 once it is over. */
  remaining(): number;
  /**
   * Asks the nodes for `ttl` more milliseconds from now (default: the lease's own TTL), under the same token.
   * Resolves to "kept", or to "resumed" when the lease had run out but provably nobody was granted it since.
   * Throws LeaseLostError when it is gone, UnavailableError when too few nodes answer: the old validity then stands.
   * Extensions with different TTLs that are asked for at the same time are carried out one after the other.
   */
  extend(ttl?: number): Promise<'kept' | 'resumed'>;
  /** Gives the lease back. Never rejects; does nothing after the first call. */
  release(): Promise<void>;
  /**
   * Leaves the lease to whoever continues it by what this returns (`locks.adopt`, `locks.retire`), in this process or another:
   * it does not count as held by this handle any more. Do not use or release the handle afterwards.
   */
  handOver(): Pick<Lease, 'resource' | 'token' | 'owner'>;
}

/** The parts of a deployment that a lease needs. */
export interface LeaseContext {
  readonly members: Members;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly random: Random;
  /** The allowance that is taken off a TTL before anybody relies on it. */
  readonly allowance: Allowance;
  /** The leases whose signal somebody watches: these signals abort when the locks close. */
  readonly watched: Set<HeldLease>;
}

export interface LeaseGrant {
  readonly kind: LeaseKind;
  readonly resource: string;
  readonly token: number;
  readonly owner: string;
  readonly ttl: number;
  /** Monotonic time at which the granted attempt began. */
  readonly since: number;
  /** The lease that was asked for and granted. */
  readonly target: LeaseTarget;
  /** Whether its owner has stood in the queue. */
  readonly queued: boolean;
  /** Called when nodes lack the lease; they are healed once it has resolved. */
  readonly onLacking?: (() => Promise<void>) | undefined;
}

/** A node that lacks the lock, by its vote in a round that began at `since`, in monotonic time. */
interface Lacking {
  readonly node: RedisNode;
  readonly vote: Vote | undefined;
  readonly since: number;
}

/** How often a heal is repeated when somebody else's attempt is in the way. */
const HEAL_TRIES = 10;

export class HeldLease implements Lease {
  readonly kind: LeaseKind;
  readonly resource: string;
  readonly token: number;
  readonly owner: string;
  readonly #context: LeaseContext;
  readonly #target: LeaseTarget;
  readonly #queued: boolean;
  readonly #onLacking: (() => Promise<void>) | undefined;
  #ttl: number;
  /** When the call was sent from which the validity counts, in monotonic time. */
  #since: number;
  #validUntil: number;
  /** The time by which the locks on the nodes have expired if nobody extends them. */
  #expiry: number;
  #signal: LeaseSignal | undefined;
  /** The last of the extensions that are under way, one after the other. */
  #extending: { readonly ttl: number; readonly outcome: Promise<'kept' | 'resumed'> } | undefined;
  #releasing: Promise<void> | undefined;
  /** The signal's reason after a release; made when somebody asks for it, because a stack costs microseconds. */
  #released: LeaseLostError | undefined;
  #lost: LeaseLostError | undefined;
  readonly #holding: Holding | undefined;
  /** Called when an extension learns of a node that votes again in `remaining` ms. */
  onQuarantine: ((remaining: number) => void) | undefined;

  constructor(context: LeaseContext, grant: LeaseGrant) {
    this.#context = context;
    this.kind = grant.kind;
    this.resource = grant.resource;
    this.token = grant.token;
    this.owner = grant.owner;
    this.#target = grant.target;
    this.#queued = grant.queued;
    this.#onLacking = grant.onLacking;
    this.#ttl = grant.ttl;
    this.#since = grant.since;
    this.#validUntil = validUntil(grant.since, grant.ttl, context.allowance);
    this.#expiry = context.clock.now() + grant.ttl;
    this.#holding = context.telemetry.holding(grant.kind, grant);
  }

  get issuer(): string {
    return this.#context.members.deployment.issuer;
  }

  get ttl(): number {
    return this.#ttl;
  }

  /** When the lease is due to be extended, in monotonic time. */
  get renewalDue(): number {
    return renewalDue(this.#since, this.#ttl, this.#context.allowance);
  }

  /** The error with which the lease ended, if it was lost before it was given back. */
  get lost(): LeaseLostError | undefined {
    if (!this.#signal?.check()) return this.#lost;
    const reason = this.#signal.signal.reason as LeaseLostError;
    return reason === this.#released ? undefined : reason;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const reason = (): LeaseLostError => this.error('ran out before it could be extended');
      const onAbort = (error: unknown): void => {
        this.#holding?.lost(error);
        this.#context.watched.delete(this);
      };
      this.#signal = new LeaseSignal(this.#context.clock, {
        ends: () => this.signalEnds(),
        reason,
        onAbort,
      });
      const over = this.#lost ?? (this.#releasing && this.#givenBack());
      if (over) this.#signal.abort(over);
      else if (this.#context.members.isClosed) this.close();
      else this.#context.watched.add(this);
    }
    return this.#signal.signal;
  }

  /** The context that connects the work under the lease with its span. */
  get telemetryContext(): Context | undefined {
    return this.#holding?.context;
  }

  /** Itself, as one of several. */
  get leases(): readonly HeldLease[] {
    return [this];
  }

  /** Ahead of the end of validity, so that listeners have a moment to stop. */
  signalEnds(): number {
    return this.#validUntil - Math.min(50, this.#ttl / 50);
  }

  remaining(): number {
    if (this.#lost || this.#releasing) return 0;
    return Math.max(0, this.#validUntil - this.#context.clock.now());
  }

  async extend(ttl: number = this.#extending?.ttl ?? this.#ttl): Promise<'kept' | 'resumed'> {
    const { maxTtl } = this.#context.members.deployment;
    requireDuration('ttl', ttl, { min: 10, max: maxTtl });
    const before = this.#extending;
    if (before?.ttl === ttl) return before.outcome;
    const renew = (): Promise<'kept' | 'resumed'> => this.#renew(ttl);
    const renewing = before ? before.outcome.then(renew, renew) : renew();
    const extension = {
      ttl,
      outcome: renewing.finally(() => {
        if (this.#extending === extension) this.#extending = undefined;
      }),
    };
    this.#extending = extension;
    return extension.outcome;
  }

  async #renew(ttl: number): Promise<'kept' | 'resumed'> {
    if (this.#lost) throw this.#lost;
    if (this.#releasing) throw this.#givenBack();
    if (this.#context.members.isClosed) throw this.close();
    return this.#holding?.renewing(() => this.#extend(ttl)) ?? this.#extend(ttl);
  }

  async #extend(ttl: number): Promise<'kept' | 'resumed'> {
    const { members, clock } = this.#context;
    const { quorum } = members.deployment;
    const since = clock.now();
    this.#expiry = Math.max(this.#expiry, since + ttl + 1_000);
    const { verbs, keys } = this.#target;
    let kept = false;
    const votes = await members.ask(ttl, {
      verb: verbs.extend,
      request: { target: this.#target, ttl },
      subject: keys.lockKey,
      isDecided: (cast) => isExtendDecided(cast, quorum),
      onLate: (node, vote) => {
        this.#noteQuarantine(vote);
        if (kept) this.#heal(ttl, { node, vote, since });
      },
    });
    for (const vote of votes) this.#noteQuarantine(vote);
    kept = explainExtend(votes, quorum) === 'kept';
    const resuming = explainExtend(votes, quorum) === 'resumable';
    const hadRunOut = this.#conclude(resuming ? await this.#resume(ttl) : votes, since, ttl);
    if (kept) {
      for (const [index, node] of members.nodes.entries())
        this.#heal(ttl, { node, vote: votes[index], since });
    }
    return kept && !hadRunOut ? 'kept' : 'resumed';
  }

  #noteQuarantine(vote: Vote | undefined): void {
    if (vote?.kind === 'quarantined') this.onQuarantine?.(vote.remaining);
  }

  /** Takes the lock again on nodes that vouch for the token; every node judges that anew, in the same step. */
  #resume(ttl: number): Promise<Votes> {
    const { members } = this.#context;
    const { verbs, keys } = this.#target;
    const { quorum } = members.deployment;
    return members.ask(ttl, {
      verb: verbs.rejoin,
      request: { target: this.#target, ttl, proof: 0 },
      subject: keys.lockKey,
      isDecided: (votes) => isDecided(votes, quorum, 'kept', 'rejoined'),
    });
  }

  /**
   * Brings in a node that lacks the lock. Nobody waits for this: the majority was enough. If somebody else is trying to
   * take the lock there, which cannot succeed, it is tried again when that client should have withdrawn.
   */
  #heal(ttl: number, { node, vote, since }: Lacking, tries = 0): void {
    const lacking = vote?.kind === 'vouched' || vote?.kind === 'forgotten' || vote?.kind === 'held';
    if (this.#releasing || !lacking || tries > HEAL_TRIES) return;
    if (tries === 0 && this.#onLacking) {
      void this.#onLacking().then(() => this.#heal(ttl, { node, vote, since }, 1));
      return;
    }
    const { clock, random } = this.#context;
    const again = (answer: Vote): void => {
      if (answer.kind !== 'held') return;
      const healing = (): void => this.#heal(ttl, { node, vote: answer, since }, tries + 1);
      clock.after(1 + random.unit() * 10, healing, { keepAlive: false });
    };
    node.submit(this.#target.verbs.rejoin, {
      node,
      request: { target: this.#target, ttl, proof: this.#proof(vote, since) },
      subject: this.#target.keys.lockKey,
      settle: again,
      fail: () => {},
      abandoned: false,
    });
  }

  /**
   * The time of a node up to which a majority that kept the lease, when asked from `since` on, is proof that nobody
   * else can have been granted it: one window later. The shortest quarantine is twice as long, so no node of that
   * majority can have forgotten a later grant and vote again by then. Both times are measured, one on our monotonic
   * clock, the other from what the node itself said, so it makes no difference what time of day anybody believes it is.
   */
  #proof(vote: Vote, since: number): number {
    const { members, clock } = this.#context;
    const left = since + members.deployment.window - clock.now();
    const time = 'time' in vote ? vote.time : undefined;
    return time === undefined || left <= 0 ? 0 : Math.floor(time + left * 1_000);
  }

  /**
   * Sets the new validity if a majority has the lock under this lease; throws what the votes mean otherwise. Returns
   * whether the old one was over by then: the nodes keep a lock longer than its holder relies on it.
   */
  #conclude(votes: Votes, since: number, ttl: number): boolean {
    const { members, clock, allowance } = this.#context;
    members.audit.requireDistinct();
    const over = this.#lost ?? (this.#releasing && this.#givenBack());
    if (over) throw over;
    const outcome = explainExtend(votes, members.deployment.quorum);
    const reasons = members.reasons(votes);
    if (outcome === 'misfit') throw misfit(reasons);
    const denied = outcome === 'unavailable' && forbidden(reasons, members.deployment.quorum);
    if (denied) throw denied;
    if (outcome === 'lost') {
      const error = this.error(
        'is lost: somebody else was granted it, or too many nodes cannot vouch for it',
      );
      this.abandon(error);
      throw error;
    }
    if (outcome === 'unavailable' && members.isClosed) throw this.close();
    const until = validUntil(since, ttl, allowance);
    if (outcome === 'unavailable' || until <= clock.now()) {
      const what =
        outcome === 'unavailable' ? 'Too few nodes answered' : `The nodes took longer than ${ttl} ms`;
      throw new UnavailableError(`${what} to extend the lease on "${this.resource}"; try again.`, reasons);
    }
    const signalled = this.#signal?.check() === true;
    const hadRunOut = signalled || this.#validUntil <= clock.now();
    if (signalled) this.#signal = undefined;
    this.#ttl = ttl;
    this.#since = since;
    this.#validUntil = until;
    return hadRunOut;
  }

  release(): Promise<void> {
    if (this.#releasing === undefined) {
      const { members } = this.#context;
      this.#context.watched.delete(this);
      const request = { target: this.#target, queued: this.#queued };
      this.#releasing = members.undo.release(request, this.#expiry);
      const isOver = this.#signal?.check() === true;
      this.#holding?.released();
      if (this.#signal && !isOver) this.#signal.abort(this.#givenBack());
    }
    return this.#releasing;
  }

  handOver(): Pick<Lease, 'resource' | 'token' | 'owner'> {
    const { resource, token, owner } = this;
    this.#context.watched.delete(this);
    this.#holding?.released();
    return { resource, token, owner };
  }

  /** The reason why nothing may go on under a lease that was given back. */
  #givenBack(): LeaseLostError {
    this.#released ??= this.error('was released');
    return this.#released;
  }

  /** Ends the lease as lost, and cleans up behind it. */
  abandon(error: LeaseLostError): void {
    this.disown(error);
    void this.release();
  }

  /** Ends the lease as lost, but lets the nodes' locks run out: its user may not have stopped yet. */
  disown(error: LeaseLostError): void {
    this.#lost ??= error;
    this.#holding?.lost(error);
    this.#signal?.abort(error);
  }

  /** Ends the lease because its locks are closed; returns the error. */
  close(): LeaseLostError {
    const error = this.error('was given up: its locks were closed');
    this.disown(error);
    return error;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  error(what: string, options?: ErrorOptions): LeaseLostError {
    const { resource, token } = this;
    return new LeaseLostError(
      `The lease on "${resource}" (token ${token}) ${what}.`,
      { resource, token },
      options,
    );
  }
}

/** The error for votes that name a deployment record other than this client's. */
export function misfit(reasons: readonly NodeReason[]): MisuseError {
  const lines = reasons.map(({ node, reason }) => `\n  ${node}: ${reason}`).join('');
  return new MisuseError(
    `This client's parameters do not fit the deployment; give all clients the same ones.${lines}`,
  );
}
