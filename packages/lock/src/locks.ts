/**
 * `createLocks`: the entry point of the package, and the handle that it returns.
 *
 * Guarantees: creating the handle does no input or output; it only checks the options. Connections open on first use.
 * After `close()` nothing of Holdfast keeps the process alive, the signal of every watched lease has aborted, and
 * clients that were passed in are as they were.
 */
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  callback,
  display,
  duration,
  flag,
  fraction,
  having,
  MisuseError,
  onAbort,
  optional,
  orSystemClock,
  orSystemRandom,
  type Random,
  type Readers,
  readOptions,
  requireName,
  type Settings,
  validityOf,
  withDefault,
} from '@holdfast/kernel';
import { connect, type NodeSource, RedisNode, withoutCredentials } from '@holdfast/redis';
import { adoptLease } from './adopt.js';
import type { AcquireContext } from './call.js';
import {
  type ChangeContext,
  commitChange,
  type NodeChange,
  proposeAdding,
  proposeRemoving,
} from './change.js';
import { throwIfClosed, unlessClosed } from './closing.js';
import { DEPLOYMENT, Deployment, type DeploymentOptions } from './deployment.js';
import { Election, type ElectionOptions } from './election.js';
import { type InitializedNode, initializeNodes } from './initialize.js';
import { inspectLock, type LockState } from './inspect.js';
import type { HeldLease, Lease } from './lease.js';
import {
  type AcquireOptions,
  Leasing,
  orNull,
  requireRoutine,
  type Terms,
  type TryOptions,
} from './leasing.js';
import { WaitingRoom } from './line.js';
import { LIST, type ListOptions, type LockList, listLocks } from './list.js';
import { Members } from './members.js';
import { exclusive, type Mode, shared } from './modes.js';
import { ownersOf } from './owner.js';
import { inspectNodes, type NodesState } from './restarts.js';
import { type Handle, requireHandle, retireLease } from './retire.js';
import { Semaphore, type SemaphoreOptions } from './semaphore.js';
import { acquireSeveral, type HeldLeases, type MultiLease } from './several.js';
import { Telemetry } from './telemetry.js';
import { TokenClock } from './token-clock.js';

/** How long a node may take to be initialized, in ms, unless `callTimeout` is longer. */
const INITIALIZE_TIMEOUT = 20_000;

export interface LocksOptions extends DeploymentOptions {
  /** The Redis nodes, an odd number of independent servers: URLs, or your own ioredis or node-redis clients. */
  readonly nodes: readonly NodeSource[];
  /** Allows an even number of nodes, which tolerates no more failures than one node less. Default false. */
  readonly allowEven?: boolean;
  /** How long a node may take to answer, in ms; never more than a fifth of the TTL. Default 1000. */
  readonly callTimeout?: number;
  /** How far two clocks may drift apart, as a fraction of the time that passes; from 0 to below 1. Default 0.01. */
  readonly drift?: number;
  /** The name under which `inspect` shows this client. Default "host:pid". */
  readonly identity?: string;
  /** TLS settings for `rediss://` URLs, such as `ca`, `cert` and `key`. */
  readonly tls?: ConnectionOptions;
  /**
   * Called with warnings about problems to come, such as a node that may evict keys. Default: `process.emitWarning`.
   */
  readonly onWarning?: (message: string) => void;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** The source of randomness; tests and simulations pass their own. Default: the system's. */
  readonly random?: Random;
}

const LOCKS = {
  nodes: listOfNodes,
  allowEven: withDefault(flag, false),
  callTimeout: withDefault(duration({ min: 1 }), 1_000),
  drift: withDefault(fraction, 0.01),
  identity: withDefault(requireName, `${hostname()}:${process.pid}`),
  tls: optional(having<ConnectionOptions>()),
  onWarning: withDefault(callback<(message: string) => void>(), (message) =>
    process.emitWarning(message, { code: 'HOLDFAST' }),
  ),
  clock: orSystemClock,
  random: orSystemRandom,
  ...DEPLOYMENT,
} satisfies Readers<LocksOptions>;

/** How errors name the calls that add, remove and commit nodes. */
const CHANGING = 'changing the nodes';

const INITIALIZE = { replace: withDefault(flag, false) };
const REMOVE_NODE = { gone: withDefault(flag, false) };

function listOfNodes(_: string, nodes: unknown): readonly NodeSource[] {
  if (Array.isArray(nodes) && nodes.length > 0) return nodes;
  throw new MisuseError(
    'nodes must list at least one Redis node; give an odd number of independent ones, such as 3 or 5.',
  );
}

/** What the doctor needs of locks. */
export type Place = Pick<LocksSettings, 'nodes' | 'deployment' | 'callTimeout' | 'tls' | 'clock'>;

const places = new WeakMap<Locks, Place>();

/** @internal Where these locks are. */
export const placeOf = (locks: Locks): Place => places.get(locks) as Place;

/** A function that runs under a lease. */
type Routine<L, T> = (lease: L) => T | PromiseLike<T>;

/** Milliseconds of a TTL that are taken off besides the drift: the resolution of Redis's expiry. */
const RESOLUTION = 2;

/** Leases over the quorum of `options.nodes`. Throws MisuseError for options that cannot work; connects later. */
export function createLocks(options: LocksOptions): Locks {
  const { nodes, allowEven, callTimeout, drift, identity, tls, onWarning, clock, random, ...described } =
    readOptions('createLocks', options, LOCKS);
  if (nodes.length % 2 === 0 && !allowEven) {
    throw new MisuseError(
      `${nodes.length} nodes tolerate no more failures than ${nodes.length - 1}; give an odd number, or say allowEven: true.`,
    );
  }
  const deployment = new Deployment(nodes.length, described);
  requireValidity('maxTtl', deployment.maxTtl, drift);
  return new Locks({ ...{ nodes, callTimeout, drift, identity, tls, onWarning, clock, random }, deployment });
}

/** The options, checked and with their defaults. */
interface LocksSettings extends Omit<Settings<typeof LOCKS>, keyof typeof DEPLOYMENT | 'allowEven'> {
  readonly deployment: Deployment;
}

function requireValidity(option: string, ttl: number, drift: number): void {
  if (validityOf(ttl, { drift, resolution: RESOLUTION }) <= 0) {
    throw new MisuseError(
      `${option} of ${ttl} ms leaves no validity after a drift of ${drift}; lengthen it.`,
    );
  }
}

/** Leases on one deployment. Made by `createLocks`. */
export class Locks implements AsyncDisposable {
  readonly #context: AcquireContext;
  readonly #members: Members;
  readonly #callTimeout: number;
  readonly #leasing: Leasing;
  readonly #connect: (source: NodeSource) => RedisNode;
  readonly #changing: ChangeContext;
  readonly #closing = new AbortController();

  /** @internal */
  constructor(settings: LocksSettings) {
    // One listener for each waiting call: many of them are no leak.
    setMaxListeners(0, this.#closing.signal);
    const { deployment, callTimeout, drift, identity, tls, onWarning, clock, random } = settings;
    places.set(this, settings);
    this.#callTimeout = callTimeout;
    this.#connect = (source) =>
      new RedisNode(connect(source, { tls, key: deployment.recordKey }), { clock, patience: callTimeout });
    const nodes = settings.nodes.map(this.#connect);
    this.#changing = { deployment, nodes, timeout: callTimeout };
    const members = new Members({ nodes, deployment, clock, callTimeout, onWarning });
    this.#members = members;
    const instance = random.id();
    let quarantineSaid = false;
    this.#context = {
      members,
      telemetry: new Telemetry(deployment.name, clock),
      clock,
      random,
      tokens: new TokenClock({ clock, random, quorum: deployment.quorum, window: deployment.window }),
      watched: new Set(),
      closing: this.#closing.signal,
      allowance: { drift, resolution: RESOLUTION },
      nextOwner: ownersOf(`${identity}/${instance}`),
      waiting: new WaitingRoom({
        nodes,
        quorum: deployment.quorum,
        clock,
        channel: deployment.channel(`${identity}/${instance}`),
        patience: callTimeout,
        onWarning,
        onNobody: (node, entry) => members.undo.evict(node, entry),
      }),
      onQuarantine: (remaining) => {
        if (quarantineSaid) return;
        quarantineSaid = true;
        onWarning(
          `Deployment "${deployment.name}" is new or its nodes may have forgotten leases: no lease for another ${remaining} ms. If you know that no lease can exist, run "holdfast init" or call initialize().`,
        );
      },
    };
    this.#leasing = new Leasing(this.#context);
  }

  /**
   * Takes the lease on `resource`, waiting for it if somebody else holds it. With several resources, takes all or none,
   * without deadlock whatever their order. Throws BusyError when it is still held after `wait`, UnavailableError when
   * too few nodes could vote until then, AbortedError when `signal` aborts, MisuseError for options that cannot work.
   */
  acquire(resource: string, options?: AcquireOptions): Promise<Lease>;
  acquire(resources: readonly string[], options?: AcquireOptions): Promise<MultiLease>;
  async acquire(
    resource: string | readonly string[],
    options: AcquireOptions = {},
  ): Promise<Lease | MultiLease> {
    return this.#acquire(resource, this.#leasing.terms('acquire', options));
  }

  /** Takes the lease if nobody holds it; resolves to null otherwise. Throws as `acquire` does, except BusyError. */
  tryAcquire(resource: string, options?: TryOptions): Promise<Lease | null>;
  tryAcquire(resources: readonly string[], options?: TryOptions): Promise<MultiLease | null>;
  async tryAcquire(
    resource: string | readonly string[],
    options: TryOptions = {},
  ): Promise<Lease | MultiLease | null> {
    return orNull(this.#acquire(resource, this.#leasing.tryTerms('tryAcquire', options)));
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
    const terms = this.#leasing.terms('using', options);
    requireRoutine(routine);
    const lease = await this.#acquire(resource, terms);
    return this.#leasing.using(lease, routine as Routine<Lease | MultiLease, T>);
  }

  /**
   * Takes a shared lease: others may hold a shared lease on the resource at the same time, but nobody can hold one from
   * `acquire`. Those that hold it together share one token, higher than that of every earlier exclusive lease and lower
   * than that of every later one. A waiter for an exclusive lease goes before readers that ask later. Throws as
   * `acquire` does.
   */
  async acquireShared(resource: string, options: AcquireOptions = {}): Promise<Lease> {
    return this.#acquireShared(resource, this.#leasing.terms('acquireShared', options));
  }

  /** Takes a shared lease if nobody holds the exclusive one or waits for it; resolves to null otherwise. */
  async tryAcquireShared(resource: string, options: TryOptions = {}): Promise<Lease | null> {
    return orNull(this.#acquireShared(resource, this.#leasing.tryTerms('tryAcquireShared', options)));
  }

  /** `using` with a shared lease. */
  async usingShared<T>(resource: string, options: AcquireOptions, routine: Routine<Lease, T>): Promise<T> {
    const terms = this.#leasing.terms('usingShared', options);
    requireRoutine(routine);
    return this.#leasing.using(await this.#acquireShared(resource, terms), routine);
  }

  /**
   * Continues, in this process, a lease that another process was granted by `acquire` and has handed over, as the
   * `resource`, `token` and `owner` of its handle. The lease is extended by `ttl` (in ms; default 10000), which proves
   * that it is still held. The other process must stop using its handle, and must not release it: nodes cannot tell a
   * lease that was released from one that ran out, and resume either as long as nobody was granted it since; `retire`
   * ends it for good. Throws as `lease.extend` does: LeaseLostError if somebody else was granted it, UnavailableError.
   */
  async adopt(holder: Handle, options: Pick<AcquireOptions, 'ttl'> = {}): Promise<Lease> {
    const ttl = this.#leasing.ttl('adopt', options);
    const handle = requireHandle('locks.adopt', holder, 'exclusive');
    return this.#adopt(exclusive(this.#members, handle.resource), handle, ttl);
  }

  /**
   * Continues a shared lease, as `adopt` does an exclusive one. To end it for the process that handed it over, release what this
   * returns. One that was released can be adopted again as long as nobody was granted the exclusive lease since.
   */
  async adoptShared(holder: Handle, options: Pick<AcquireOptions, 'ttl'> = {}): Promise<Lease> {
    const ttl = this.#leasing.ttl('adoptShared', options);
    const handle = requireHandle('locks.adoptShared', holder, 'shared');
    return this.#adopt(shared(this.#members, handle.resource), handle, ttl);
  }

  async #adopt(mode: Mode, handle: Handle, ttl: number): Promise<Lease> {
    await this.#members.open();
    const doing = `adopting the lease on "${handle.resource}"`;
    return unlessClosed(this.#closing.signal, doing, adoptLease(this.#context, mode, { ...handle, ttl }));
  }

  /**
   * Ends an exclusive lease for good, by the `resource`, `token` and `owner` of its handle: it is given back, and
   * afterwards no process can extend, resume or adopt it. Handles of it, in this process too, learn of that when they
   * extend it next; until then they go by their validity, as when a lease is lost. Does nothing to a lease that is over,
   * or to that of another owner. Rejects with UnavailableError if fewer than a majority of nodes confirmed it: the lease
   * may go on then. Throws MisuseError for a token that no node can have granted, and for
   * that of a shared lease. Permits have `semaphore.retire`.
   */
  async retire(holder: Handle): Promise<void> {
    const retired = requireHandle('locks.retire', holder, 'exclusive');
    await this.#members.open();
    const keys = this.#members.deployment.lockKeys(retired.resource);
    const doing = `retiring the lease on "${retired.resource}"`;
    return unlessClosed(this.#closing.signal, doing, retireLease(this.#members, retired, keys));
  }

  /** A semaphore: at most `permits` leases at once. Throws MisuseError. */
  semaphore(name: string, options: SemaphoreOptions): Semaphore {
    return new Semaphore(this.#leasing, this.#callTimeout, name, options);
  }

  /** An election: one leader at a time. Throws MisuseError. */
  election(name: string, options: ElectionOptions = {}): Election {
    return new Election(this.#leasing, this.#callTimeout, name, options);
  }

  /** Tells who holds `resource`, under which token, and what each node says. Changes nothing. */
  async inspect(resource: string): Promise<LockState> {
    requireName('resource', resource);
    await this.#members.open();
    const state = await inspectLock(this.#members, this.#callTimeout, resource);
    throwIfClosed(this.#closing.signal, `inspecting "${resource}"`);
    return state;
  }

  /**
   * Lists the leases that are held, exclusive and shared ones and permits, in the order of their names. Looks through the
   * keys of the nodes: about 100,000 of each at most. Changes nothing. A Redis user needs the right `+scan` for it, which
   * nothing else does. Throws MisuseError, and UnavailableError unless so many nodes answered that no held lease is left
   * out.
   */
  async list(options: ListOptions = {}): Promise<LockList> {
    const { prefix, limit } = readOptions('list', options, LIST);
    await this.#members.open();
    const listed = await listLocks(this.#members, this.#callTimeout, { prefix, limit });
    throwIfClosed(this.#closing.signal, 'listing the locks');
    return listed;
  }

  /**
   * Tells the state of each node, and when one of them may be restarted without the loss of a renewed lease. A node
   * that has restarted is asked for a vote that takes nothing, which begins its quarantine if no client has asked it
   * yet. Changes nothing else.
   */
  async nodes(): Promise<NodesState> {
    await this.#members.open();
    const state = await inspectNodes(this.#members, this.#callTimeout);
    throwIfClosed(this.#closing.signal, 'looking at the nodes');
    return state;
  }

  /**
   * Lets the nodes vote at once, on your word that no lease of this deployment can exist. Call it once, when the nodes
   * have just been created. Nodes that vote already are left as they are. `replace` changes the parameters of a
   * deployment whose clients have all stopped. Each node has at least 20 s to answer, because servers and programs that
   * have just been started are slow. Throws UnavailableError if fewer than a majority were reached, MisuseError if
   * nodes have a record with other parameters.
   */
  async initialize(options: { readonly replace?: boolean } = {}): Promise<readonly InitializedNode[]> {
    const { replace } = readOptions('initialize', options, INITIALIZE);
    await this.#members.open();
    const timeout = Math.max(this.#callTimeout, INITIALIZE_TIMEOUT);
    const work = initializeNodes(this.#members, timeout, replace);
    return unlessClosed(this.#closing.signal, 'initializing the nodes', work);
  }

  /**
   * Proposes one more node: from now on, clients are accepted with the nodes of these locks, and also with `source`
   * added to them. When every client has the new list, call `commitNodes()` on locks that have it too. Throws
   * MisuseError if another change has not ended, if `source` is the server of another node, or if it belongs to a
   * deployment already; UnavailableError unless all nodes answer. May be repeated.
   */
  async addNode(source: NodeSource): Promise<NodeChange> {
    await this.#members.open();
    const { signal } = this.#closing;
    throwIfClosed(signal, CHANGING);
    const added = this.#connect(source);
    const leave = onAbort(signal, () => added.close());
    try {
      await added.open();
      return await this.#change(proposeAdding(this.#changing, added));
    } finally {
      leave();
      added.close();
    }
  }

  /**
   * Proposes to continue without the node at `address`, which votes for nobody from then on: stop its server. `gone`
   * says that the server will never come back, so that it need not answer; all others must. Otherwise like `addNode`.
   */
  async removeNode(address: string, options: { readonly gone?: boolean } = {}): Promise<NodeChange> {
    const { gone } = readOptions('removeNode', options, REMOVE_NODE);
    await this.#members.open();
    const removed = this.#members.nodes.find((node) => node.address === address);
    if (removed) return this.#change(proposeRemoving(this.#changing, removed, gone));
    const known = this.#members.nodes.map((node) => node.address).join(', ');
    throw new MisuseError(`${display(withoutCredentials(String(address)))} is none of the nodes: ${known}.`);
  }

  /** Ends a proposed change to the nodes of these locks: clients with the previous number are refused from now on. */
  async commitNodes(): Promise<NodeChange> {
    await this.#members.open();
    return this.#change(commitChange(this.#changing));
  }

  #change(work: Promise<NodeChange>): Promise<NodeChange> {
    return unlessClosed(this.#closing.signal, CHANGING, work);
  }

  /**
   * Ends everything: calls under way reject with an AbortedError, the signals of watched leases abort, and connections
   * that Holdfast opened are closed. Leases that were not released are left to run out, because their users may not
   * have stopped yet.
   */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    // First, so that nobody who learns of the end can ask the nodes for more.
    this.#members.close();
    for (const lease of this.#context.watched) lease.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #acquire(resource: string | readonly string[], terms: Terms): Promise<HeldLease | HeldLeases> {
    if (Array.isArray(resource)) return acquireSeveral(this.#leasing, resource, terms);
    const name = requireName('resource', resource);
    return this.#leasing.acquire(exclusive(this.#members, name), name, terms);
  }

  async #acquireShared(resource: string, terms: Terms): Promise<HeldLease> {
    requireName('resource', resource);
    return this.#leasing.acquire(shared(this.#members, resource), resource, terms);
  }
}
