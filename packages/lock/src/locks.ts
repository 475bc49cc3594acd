/**
 * `createLocks`: the entry point of the package, and the handle that it returns.
 *
 * Guarantees: creation does no input or output, it only checks what it is given. Connections open on first use. After
 * `close()` nothing of Holdfast keeps the process alive, every watched lease has been told, and clients that were
 * passed in are as they were.
 */
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  display,
  MisuseError,
  type Random,
  requireDuration,
  requireKnown,
  requireName,
  requireToken,
  systemClock,
  systemRandom,
  UnavailableError,
} from '@holdfast/kernel';
import { connect, type NodeSource, RedisNode, withoutCredentials } from '@holdfast/redis';
import { type AcquireContext, adoptLease } from './acquire.js';
import {
  type ChangeContext,
  commitChange,
  type NodeChange,
  proposeAdding,
  proposeRemoving,
} from './change.js';
import { Deployment, type DeploymentOptions } from './deployment.js';
import { Election, type ElectionOptions } from './election.js';
import { type InitializedNode, initializeNodes, inspectLock, type LockState } from './inspect.js';
import type { HeldLease, Lease } from './lease.js';
import { type AcquireOptions, Leasing, orNull, type TryOptions } from './leasing.js';
import { Members } from './members.js';
import { exclusive, shared } from './modes.js';
import { Semaphore, type SemaphoreOptions } from './semaphore.js';
import { acquireSeveral, type HeldLeases, type MultiLease } from './several.js';
import { Telemetry } from './telemetry.js';
import { TokenClock } from './token-clock.js';
import { WaitingRoom } from './waiting.js';

export interface LocksOptions extends DeploymentOptions {
  /** The Redis nodes, an odd number of independent servers: URLs, or ioredis or node-redis clients of yours. */
  readonly nodes: readonly NodeSource[];
  /** Allows an even number of nodes, which tolerates no more failures than one node less. Default false. */
  readonly allowEven?: boolean;
  /** How long a node may take to answer, in ms; never more than a fifth of the TTL. Default 1000. */
  readonly nodeTimeout?: number;
  /** How far two clocks may drift apart, as a fraction of the time that passes; from 0 to below 1. Default 0.01. */
  readonly drift?: number;
  /** Who asks, as `inspect` shows it. Default "host:pid". */
  readonly identity?: string;
  /** TLS settings for `rediss://` URLs, such as `ca`, `cert` and `key`. */
  readonly tls?: ConnectionOptions;
  /** Told of what will hurt later, such as a node that may evict keys. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** The source of chance; tests and simulations pass their own. Default: the system's. */
  readonly random?: Random;
}

const OPTIONS: readonly (keyof LocksOptions)[] = [
  'nodes',
  'allowEven',
  'nodeTimeout',
  'drift',
  'identity',
  'tls',
  'onWarning',
  'clock',
  'random',
  'deployment',
  'prefix',
  'maxTtl',
  'window',
  'retention',
  'margin',
  'persistence',
  'replicas',
];

/** What runs under a lease. */
type Routine<L, T> = (lease: L) => T | PromiseLike<T>;

/** Milliseconds of a TTL that are taken off besides the drift: the resolution of Redis's expiry. */
const RESOLUTION = 2;

/** Leases over the quorum of `options.nodes`. Throws MisuseError for options that cannot work; connects later. */
export function createLocks(options: LocksOptions): Locks {
  requireKnown('createLocks', options, OPTIONS);
  if (!Array.isArray(options.nodes) || options.nodes.length === 0) {
    throw new MisuseError(
      'nodes must list at least one Redis node; give an odd number of independent ones, such as 3 or 5.',
    );
  }
  if (options.nodes.length % 2 === 0 && options.allowEven !== true) {
    throw new MisuseError(
      `${options.nodes.length} nodes tolerate no more failures than ${options.nodes.length - 1}; give an odd number, or say allowEven: true.`,
    );
  }
  const drift: unknown = options.drift ?? 0.01;
  if (typeof drift !== 'number' || !(drift >= 0 && drift < 1)) {
    throw new MisuseError(`drift is a fraction from 0 to below 1; got ${display(drift)}.`);
  }
  const deployment = new Deployment(options.nodes.length, options);
  requireValidity('maxTtl', deployment.maxTtl, drift);
  return new Locks(options, deployment, drift);
}

function requireValidity(option: string, ttl: number, drift: number): void {
  if (ttl - ttl * drift - RESOLUTION <= 0) {
    throw new MisuseError(
      `${option} of ${ttl} ms leaves no validity after a drift of ${drift}; lengthen it.`,
    );
  }
}

/** Leases on one deployment. Made by `createLocks`. */
export class Locks implements AsyncDisposable {
  readonly #context: AcquireContext;
  readonly #members: Members;
  readonly #nodeTimeout: number;
  readonly #leasing: Leasing;
  readonly #connect: (source: NodeSource) => RedisNode;
  readonly #changing: ChangeContext;
  readonly #closing = new AbortController();

  /** @internal */
  constructor(options: LocksOptions, deployment: Deployment, drift: number) {
    // One listener a waiting call: many are no leak.
    setMaxListeners(0, this.#closing.signal);
    const clock = options.clock ?? systemClock;
    const random = options.random ?? systemRandom;
    const warn = options.onWarning ?? ((message) => process.emitWarning(message, { code: 'HOLDFAST' }));
    const identity = requireName('identity', options.identity ?? `${hostname()}:${process.pid}`);
    this.#nodeTimeout = requireDuration('nodeTimeout', options.nodeTimeout ?? 1_000, { min: 1 });
    const patience = this.#nodeTimeout;
    this.#connect = (source) =>
      new RedisNode(connect(source, { tls: options.tls, key: deployment.recordKey }), { clock, patience });
    const nodes = options.nodes.map(this.#connect);
    this.#changing = { deployment, nodes, timeout: patience };
    const members = new Members({ nodes, deployment, clock, nodeTimeout: patience, onWarning: warn });
    this.#members = members;
    const instance = random.id();
    const ownerPrefix = `${identity}/${instance}.`;
    let leases = 0;
    let quarantineSaid = false;
    this.#context = {
      members,
      telemetry: new Telemetry(deployment.name, clock),
      clock,
      random,
      tokens: new TokenClock({ clock, random, quorum: deployment.quorum, window: deployment.window }),
      watched: new Set(),
      closing: this.#closing.signal,
      validity: (ttl) => ttl - ttl * drift - RESOLUTION,
      nextOwner: (shared) => ownerPrefix + ++leases + (shared ? 'r' : ''),
      waiting: new WaitingRoom({
        nodes,
        quorum: deployment.quorum,
        clock,
        channel: deployment.channel(`${identity}/${instance}`),
        patience,
        onWarning: warn,
        onNobody: (node, entry) => members.strike(node, entry),
      }),
      onQuarantine: (remaining) => {
        if (quarantineSaid) return;
        quarantineSaid = true;
        warn(
          `Deployment "${deployment.name}" is new or its nodes may have forgotten leases: no lease for another ${remaining} ms. If you know that no lease can exist, run "holdfast init" or call initialize().`,
        );
      },
    };
    this.#leasing = new Leasing(this.#context);
  }

  /**
   * Takes the lease on `resource`, waiting for it if somebody else holds it; on several, all or none, without deadlock
   * whatever their order. Throws BusyError when it is still held after `wait`, UnavailableError when too few nodes could
   * vote until then, AbortedError when `signal` aborts, MisuseError for options that cannot work.
   */
  acquire(resource: string, options?: AcquireOptions): Promise<Lease>;
  acquire(resources: readonly string[], options?: AcquireOptions): Promise<MultiLease>;
  async acquire(
    resource: string | readonly string[],
    options: AcquireOptions = {},
  ): Promise<Lease | MultiLease> {
    return this.#acquire(resource, options);
  }

  /** Takes the lease if nobody holds it; resolves to null otherwise. Throws as `acquire` does, but BusyError. */
  tryAcquire(resource: string, options?: TryOptions): Promise<Lease | null>;
  tryAcquire(resources: readonly string[], options?: TryOptions): Promise<MultiLease | null>;
  async tryAcquire(
    resource: string | readonly string[],
    options: TryOptions = {},
  ): Promise<Lease | MultiLease | null> {
    requireKnown('tryAcquire', options, ['ttl', 'signal']);
    return orNull(this.#acquire(resource, { ...options, wait: 0 }));
  }

  /**
   * Runs `routine` under a lease that is renewed until it ends, then releases it. Heed `lease.signal`: it aborts when
   * the lease can no longer be proved valid. Rejects as `acquire` does, with whatever the routine throws, or with
   * LeaseLostError if the routine ended well but its lease had been lost by then.
   */
  using<T>(resource: string, options: AcquireOptions, routine: Routine<Lease, T>): Promise<T>;
  using<T>(
    resources: readonly string[],
    options: AcquireOptions,
    routine: Routine<MultiLease, T>,
  ): Promise<T>;
  async using<T>(
    resource: string | readonly string[],
    options: AcquireOptions,
    routine: Routine<Lease & MultiLease, T>,
  ): Promise<T> {
    const lease = await this.#acquire(resource, options);
    return this.#leasing.using(lease, routine as Routine<Lease | MultiLease, T>);
  }

  /**
   * Takes a lease that others may hold at the same time, in the same way, but nobody who uses `acquire`. Those who hold
   * it together share one token: higher than that of every earlier exclusive lease, lower than that of every later one.
   * Who waits for an exclusive lease comes before those who ask after him. Throws as `acquire` does.
   */
  async acquireShared(resource: string, options: AcquireOptions = {}): Promise<Lease> {
    return this.#acquireShared(resource, options);
  }

  /** Takes a shared lease if nobody holds the exclusive one or waits for it; resolves to null otherwise. */
  async tryAcquireShared(resource: string, options: TryOptions = {}): Promise<Lease | null> {
    requireKnown('tryAcquireShared', options, ['ttl', 'signal']);
    return orNull(this.#acquireShared(resource, { ...options, wait: 0 }));
  }

  /** `using` with a shared lease. */
  async usingShared<T>(resource: string, options: AcquireOptions, routine: Routine<Lease, T>): Promise<T> {
    return this.#leasing.using(await this.#acquireShared(resource, options), routine);
  }

  /**
   * Continues, in this process, a lease that another process was granted by `acquire` and has handed over: `resource`,
   * `token` and `owner` of its handle. It is extended by `ttl` (in ms; default 10000), which proves that it is still
   * held. The other process stops to use its handle. Throws as `lease.extend` does: LeaseLostError if somebody else was
   * granted it, UnavailableError.
   */
  async adopt(
    holder: Pick<Lease, 'resource' | 'token' | 'owner'>,
    options: Pick<AcquireOptions, 'ttl'> = {},
  ): Promise<Lease> {
    requireKnown('adopt', options, ['ttl']);
    const { ttl } = this.#leasing.terms(options);
    const { resource, owner } = holder;
    requireName('resource', resource);
    requireName('owner', owner);
    await this.#members.open();
    const token = requireToken(holder.token);
    const lease = adoptLease(this.#context, { ttl, resource, token, owner });
    try {
      await lease.extend(ttl);
      return lease;
    } catch (error) {
      lease.disown(lease.error('could not be adopted', { cause: error }));
      throw error;
    }
  }

  /** A semaphore: at most `permits` leases at once. Throws MisuseError. */
  semaphore(name: string, options: SemaphoreOptions): Semaphore {
    return new Semaphore(this.#leasing, this.#nodeTimeout, name, options);
  }

  /** An election: one leader at a time. Throws MisuseError. */
  election(name: string, options: ElectionOptions = {}): Election {
    return new Election(this.#leasing, this.#nodeTimeout, name, options);
  }

  /** Who holds `resource`, under which token, and what each node says. Changes nothing. */
  async inspect(resource: string): Promise<LockState> {
    requireName('resource', resource);
    await this.#members.open();
    return inspectLock(this.#members, this.#nodeTimeout, resource);
  }

  /**
   * Lets the nodes vote at once, on your word that no lease of this deployment can exist: once, when the nodes were
   * just created. Nodes that vote already are left as they are. `replace` changes the parameters of a deployment
   * whose clients have all stopped. Throws UnavailableError if fewer than a majority were reached, MisuseError if
   * nodes have a record with other parameters.
   */
  async initialize(options: { readonly replace?: boolean } = {}): Promise<readonly InitializedNode[]> {
    requireKnown('initialize', options, ['replace']);
    await this.#members.open();
    const outcomes = await initializeNodes(this.#members, this.#nodeTimeout, options.replace === true);
    const misfits = outcomes.filter(({ outcome }) => outcome === 'misfit');
    if (misfits.length > 0) {
      const lines = misfits.map(({ node, reason }) => `\n  ${node}: ${reason}`).join('');
      throw new MisuseError(
        `The deployment exists with other parameters; use those, or replace them when no client runs.${lines}`,
      );
    }
    const reached = outcomes.filter(({ outcome }) => outcome !== 'unreachable').length;
    if (reached < this.#members.deployment.quorum) {
      const reasons = outcomes.map(({ node, outcome, reason }) => ({ node, reason: reason ?? outcome }));
      throw new UnavailableError('Too few nodes could be initialized.', reasons);
    }
    return outcomes;
  }

  /**
   * Proposes one node more: from now on clients are accepted with the nodes of these locks, and with `source` besides.
   * When every client has the new list, say `commitNodes()` on locks that have it, too. Throws MisuseError if another
   * change has not ended, if it is the server of another node, or if it belongs to a deployment; UnavailableError unless
   * all nodes answer. May be repeated.
   */
  async addNode(source: NodeSource): Promise<NodeChange> {
    await this.#members.open();
    const added = this.#connect(source);
    try {
      await added.open();
      return await proposeAdding(this.#changing, added);
    } finally {
      added.close();
    }
  }

  /**
   * Proposes to go on without the node at `address`, which votes for nobody from then on: stop its server. `gone` says
   * that the server will never come back, so that it need not answer; all others must. Otherwise as `addNode`.
   */
  async removeNode(address: string, options: { readonly gone?: boolean } = {}): Promise<NodeChange> {
    requireKnown('removeNode', options, ['gone']);
    await this.#members.open();
    const removed = this.#members.nodes.find((node) => node.address === address);
    if (removed) return proposeRemoving(this.#changing, removed, options.gone === true);
    const known = this.#members.nodes.map((node) => node.address).join(', ');
    throw new MisuseError(`${display(withoutCredentials(String(address)))} is none of the nodes: ${known}.`);
  }

  /** Ends a proposed change to the nodes of these locks: clients with the number from before are refused from now on. */
  async commitNodes(): Promise<NodeChange> {
    await this.#members.open();
    return commitChange(this.#changing);
  }

  /**
   * Ends everything: waiting calls reject, watched leases abort, connections that Holdfast opened close. Leases that
   * were not released are left to run out, because their users may not have stopped yet.
   */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const lease of this.#context.watched)
      lease.disown(lease.error('was given up: its locks were closed'));
    this.#members.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #acquire(
    resource: string | readonly string[],
    options: AcquireOptions,
  ): Promise<HeldLease | HeldLeases> {
    if (Array.isArray(resource)) return acquireSeveral(this.#leasing, resource, options);
    const name = requireName('resource', resource);
    return this.#leasing.acquire(exclusive(this.#members, name), name, options);
  }

  async #acquireShared(resource: string, options: AcquireOptions): Promise<HeldLease> {
    requireName('resource', resource);
    return this.#leasing.acquire(shared(this.#members, resource), resource, options);
  }
}
