/**
 * The way from a queue to its Redis: one connection for calls of its verbs, which the
 * queues of one Redis share, and others for reads that wait.
 *
 * Guarantees: those of a Caller. Nothing connects before the first call. Before it puts anything into the queue, a
 * client registers the queue and declares its limits, and does so again if the server has forgotten the queue. A queue
 * with a newer layout than this version knows is a MisuseError, and nothing of it is touched.
 */
import { setMaxListeners } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { type Clock, type HoldfastError, MisuseError, type Random, UnavailableError } from '@holdfast/kernel';
import {
  type AnyCallVerb,
  Caller,
  type CallVerb,
  type Connection,
  confirmEpoch,
  connect,
  evaluate,
  type Instead,
  type NodeSource,
  type ReplicasOptions,
  type WaitPlace,
} from '@holdfast/redis';
import { keysOf, type QueueKeys } from './keys.js';
import { type DeclaredLimits, declareLimits, differentFrom } from './limits.js';
import { type RegistryPlace, register, unregister } from './registry.js';
import { scripts } from './scripts.js';
import { confirm, enter, epoch, exists, type QueueVerb } from './verbs.js';

export interface PortOptions {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly prefix: string;
  readonly callTimeout: number;
  readonly limits: DeclaredLimits;
  readonly replicas: ReplicasOptions | undefined;
  /**
   * The names of the queue's groups, to each of which a task is added. Default: none; the queue itself has the tasks.
   */
  readonly groups?: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
}

/** How often a call that needs the queue registers it before it gives up. */
const MOST_ENTRIES = 5;

/** The server does not know the queue, or has forgotten it. */
class UnknownQueue extends MisuseError {}

export class QueuePort {
  readonly keys: QueueKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string;
  readonly #options: PortOptions;
  readonly #caller: Caller;
  /** The limits that it declares. */
  #limits: DeclaredLimits;
  #entering: Promise<void> | undefined;
  #entered = false;
  readonly #closing = new AbortController();
  readonly #beside = new Map<string, QueuePort>();
  /** The verbs with the keys of this queue. */
  // biome-ignore lint/suspicious/noExplicitAny: verbs of every kind; #verb() ties each to its own.
  readonly #verbs = new Map<QueueVerb<any, any>, CallVerb<any, any>>();

  constructor(queue: string, options: PortOptions) {
    this.name = queue;
    this.#options = options;
    this.#limits = options.limits;
    this.keys = keysOf(queue, options.prefix);
    this.clock = options.clock;
    this.random = options.random;
    setMaxListeners(0, this.closed); // of each worker and each reader
    const { redis, tls, callTimeout, replicas, clock } = options;
    this.#caller = new Caller({
      ...{ redis, tls, timeout: callTimeout, replicas, clock, scripts },
      key: this.keys.of('meta'),
      refusal: (reason) => this.#refusal(reason),
      words: {
        subject: `The queue "${queue}"`,
        unknown: 'An add with an id may be repeated',
        unreplicated:
          'The task is added, but too few replicas are known to have it, so a failover may lose it. An add with an id may be repeated',
        closed: 'create another with createQueue()',
      },
    });
  }

  get prefix(): string {
    return this.#options.prefix;
  }

  /** The port of another queue on the same Redis, with these groups, which is closed with this one. */
  beside(queue: string, groups: readonly string[]): QueuePort {
    this.requireOpen();
    const known = this.#beside.get(queue);
    if (known) return known;
    const made = new QueuePort(queue, { ...this.#options, groups, limits: declareLimits(undefined) });
    this.#beside.set(queue, made);
    return made;
  }

  /** A connection that nobody shares, not yet open, for commands that wait. */
  connectAlone() {
    const { redis, tls } = this.#options;
    return connect(redis, { tls, key: this.keys.of('meta'), alone: true });
  }

  /** Where reads of this queue wait: those of one Redis may share a connection. */
  get waitPlace(): WaitPlace {
    return { node: this.#caller.node, connect: () => this.connectAlone(), clock: this.clock };
  }

  /**
   * Throws UnavailableError; MisuseError for a user without the rights, for limits or a layout that differ from those
   * of the queue, and once the port is closed.
   */
  call<Request, Result>(verb: QueueVerb<Request, Result>, request: Request): Promise<Result> {
    return verb.fills ? this.#fill(verb, request) : this.#caller.call(this.#verb(verb), request);
  }

  /** Resolves to whether replicas know the queue's epoch now. */
  confirmEpoch(): Promise<boolean> {
    const connection = this.connectAlone();
    return confirmEpoch({
      connection,
      clock: this.clock,
      timeout: this.#options.callTimeout,
      write: () => this.#callOver(connection, epoch),
      confirm: (known) => this.call(confirm, known),
    });
  }

  /**
   * Declares other limits, now and whenever the server has forgotten the queue. Resolves to the limits that are kept if
   * they have the same version but differ; then nothing has changed.
   */
  async declare(limits: DeclaredLimits): Promise<string | undefined> {
    const kept = await this.#enterWith(limits);
    if (kept === undefined) this.#limits = limits;
    return kept;
  }

  get address(): string {
    return this.#caller.address;
  }

  /** Aborts when the port is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Throws MisuseError once the port is closed. */
  requireOpen(): void {
    this.#caller.requireOpen();
  }

  get waitsForReplicas(): boolean {
    return this.#caller.waitsForReplicas;
  }

  /** Resolves when replicas have everything that was acknowledged so far. Throws UnavailableError. */
  replicated(): Promise<void> {
    return this.#caller.replicated();
  }

  /** Removes an obliterated queue from the registry, unless somebody has added to it since. */
  async leave(): Promise<void> {
    await unregister(this.#registry, this.name);
    if (await this.call(exists, undefined)) await register(this.#registry, [this.name]);
  }

  close(): void {
    for (const other of this.#beside.values()) other.close();
    this.#caller.close();
    this.#closing.abort();
  }

  #fill<Request, Result>(verb: QueueVerb<Request, Result>, request: Request): Promise<Result> {
    const called = this.#verb(verb);
    return this.#entered
      ? this.#caller.call(called, request, this.#ifForgotten)
      : this.#enterAndFill(called, request);
  }

  /** A function of the port, not of each call: there are as many calls that fill as tasks. */
  readonly #ifForgotten: Instead = (error, verb, request) => {
    if (!(error instanceof UnknownQueue)) return undefined;
    this.#entered = false;
    return this.#enterAndFill(verb, request);
  };

  async #enterAndFill<Request, Result>(
    verb: AnyCallVerb<Request, Result>,
    request: Request,
  ): Promise<Result> {
    // Between the entry and the call the server may forget the queue again, or somebody may delete it.
    for (let tries = 0; tries < MOST_ENTRIES; tries += 1) {
      if (!this.#entered) await this.#enter();
      try {
        return await this.#caller.call(verb, request);
      } catch (error) {
        if (!(error instanceof UnknownQueue)) throw error;
        this.#entered = false;
      }
    }
    const reason = 'it was registered, and gone by the next call';
    throw new UnavailableError(
      `The queue "${this.name}" was emptied or deleted ${MOST_ENTRIES} times; nothing was done. Retry later.`,
      [{ node: this.#caller.address, reason }],
    );
  }

  #enter(): Promise<void> {
    this.#entering ??= this.#register().finally(() => {
      this.#entering = undefined;
    });
    return this.#entering;
  }

  async #register(): Promise<void> {
    const limits = this.#limits;
    const kept = await this.#enterWith(limits);
    if (kept !== undefined) throw differentFrom(this.name, limits, kept);
    this.#entered = true;
  }

  async #enterWith(limits: DeclaredLimits): Promise<string | undefined> {
    this.requireOpen();
    const { groups = [] } = this.#options;
    await register(this.#registry, groups.length > 0 ? groups : [this.name]);
    return this.call(enter, limits.args);
  }

  get #registry(): RegistryPlace {
    return this.#options;
  }

  /** The error for a refusal by one of the queue's own scripts. */
  #refusal(reason: string): HoldfastError | undefined {
    if (reason.includes('HOLDFASTNEW')) return new UnknownQueue(`There is no queue "${this.name}".`);
    const [, layout] = /HOLDFASTLAYOUT (\d+)/.exec(reason) ?? [];
    if (layout === undefined) return undefined;
    return new MisuseError(
      `The queue "${this.name}" has the key layout ${layout}, which this version of @holdfast/queue does not know; nothing was done. Install a version that does: see docs/UPGRADING.md.`,
    );
  }

  /** Calls a verb that takes nothing, over a connection of its own. Rejects with the error of that. */
  async #callOver<Result>(
    connection: Connection,
    { script, decode }: QueueVerb<void, Result>,
  ): Promise<Result> {
    const reply = await evaluate(connection, script, this.keys.for(script), []);
    const [result] = decode(reply, [{ request: undefined }]);
    return result as Result;
  }

  #verb<Request, Result>(verb: QueueVerb<Request, Result>): CallVerb<Request, Result> {
    const known = this.#verbs.get(verb);
    if (known) return known;
    const { groups = [], prefix } = this.#options;
    const { script, most, acrossGroups, moreKeys, encode, decode } = verb;
    const everywhere = acrossGroups === true && groups.length > 0;
    const made: CallVerb<Request, Result> = {
      script,
      keys: everywhere
        ? groups.flatMap((group) => keysOf(group, prefix).for(verb.script))
        : this.keys.for(verb.script),
      most,
      encode: ({ request }, keys, args) => {
        if (moreKeys) keys.push(...moreKeys(request));
        args.push(...encode(request));
      },
      decode,
    };
    this.#verbs.set(verb, made);
    return made;
  }
}
