/**
 * Calls of scripts on one server: connects on the first call, gives each call a deadline, and turns failures into
 * errors in one place. The main path: `call` with a verb and a request; the queue's verbs and the guard's stand on it.
 *
 * Guarantees: a call ends after `timeout` at the latest. An UnavailableError says whether it may have been carried out;
 * a call that the server refused was not. After `close`, calls are MisuseErrors, and those under way AbortedErrors.
 * Nothing connects before the first call, and nothing is kept of a call that has ended.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  AbortedError,
  type Clock,
  type HoldfastError,
  MisuseError,
  UnavailableError,
  within,
} from '@holdfast/kernel';
import type { NodeSource } from './connect.js';
import { type Listener, reasonOf } from './connection.js';
import { Deadlines, Timed } from './deadlines.js';
import type { BinaryCommand, BinaryVerb, Operation, Verb } from './group-commit.js';
import type { RedisNode } from './node.js';
import { adviceFor, FORBIDDEN_ADVICE, isForbidden, isRefused, MissingRightsError } from './refusals.js';
import { Replicas, type ReplicasOptions } from './replicas.js';
import type { Script } from './script.js';
import { type NodeUse, useNode } from './shared-node.js';

export interface CallerOptions {
  readonly redis: NodeSource;
  readonly tls?: ConnectionOptions | undefined;
  /** One of the keys, which determines the server in a Cluster. */
  readonly key: string;
  /** How long a call may take, in ms. */
  readonly timeout: number;
  /**
   * Scripts to load into the server with the first call. Default: none; a script that it does not know is sent whole.
   */
  readonly scripts?: readonly Script[];
  readonly replicas?: ReplicasOptions | undefined;
  /** Whether calls are tried on a server that has long owed an answer, instead of failing at once. Default false. */
  readonly urgent?: boolean;
  /** The error for an error reply of one of the caller's own scripts; undefined for one of the server. */
  readonly refusal?: (reason: string) => HoldfastError | undefined;
  readonly clock: Clock;
  readonly words: CallerWords;
}

/** The words that the errors of a caller use. */
interface CallerWords {
  /** The thing that is called, as at the beginning of a sentence: "The queue". */
  readonly subject: string;
  /** The advice if it is not known whether a call was carried out, as a sentence without its full stop. */
  readonly unknown: string;
  /** The facts if too few replicas have a write. */
  readonly unreplicated?: string;
  /** The advice after `close`, as a clause: "create a new one with createQueue()". */
  readonly closed: string;
}

/** One call under way, as a verb sees it. */
export interface Call<Request, Result> extends Operation<Result> {
  readonly request: Request;
}

/** A script as a value: the request that it takes, and how its reply is read. */
export type CallVerb<Request, Result> = Verb<Call<Request, Result>, Result>;

/** A script whose arguments and replies are bytes. */
export type BinaryCallVerb<Request, Result> = BinaryVerb<Call<Request, Result>, Result>;

/** A plain command of Redis whose arguments and replies are bytes. */
export type CallCommand<Request, Result> = BinaryCommand<Call<Request, Result>, Result>;

export type AnyCallVerb<Request, Result> =
  | CallVerb<Request, Result>
  | BinaryCallVerb<Request, Result>
  | CallCommand<Request, Result>;

/** The action to take instead when a call has failed; undefined if there is none, and the call throws. */
export type Instead = <Request, Result>(
  error: HoldfastError,
  verb: AnyCallVerb<Request, Result>,
  request: Request,
) => Promise<Result> | undefined;

/** The parts of its caller that a call under way needs. */
interface CallContext {
  readonly deadlines: Deadlines;
  /** The reason why a call fails whose time is over. */
  readonly expired: () => string;
  readonly failure: (reason: string, sent: boolean) => HoldfastError;
}

interface PendingParts<Request, Result> {
  readonly verb: AnyCallVerb<Request, Result>;
  readonly request: Request;
  readonly deadline: number;
  readonly instead: Instead | undefined;
}

/** A class, not closures: there is one for each task that is added, and many are under way at a time. */
class PendingCall<Request, Result> extends Timed implements Call<Request, Result> {
  readonly request: Request;
  abandoned = false;
  readonly #verb: AnyCallVerb<Request, Result>;
  readonly #instead: Instead | undefined;
  readonly #context: CallContext;
  readonly #resolve: (result: Result | Promise<Result>) => void;
  readonly #reject: (error: Error) => void;

  constructor(
    context: CallContext,
    { verb, request, deadline, instead }: PendingParts<Request, Result>,
    resolve: (result: Result | Promise<Result>) => void,
    reject: (error: Error) => void,
  ) {
    super(deadline);
    this.request = request;
    this.#verb = verb;
    this.#instead = instead;
    this.#context = context;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  settle(result: Result): void {
    this.#context.deadlines.ended(this);
    this.#resolve(result);
  }

  fail(reason: string, sent: boolean): void {
    this.#context.deadlines.ended(this);
    const error = this.#context.failure(reason, sent);
    const instead = this.abandoned ? undefined : this.#instead?.(error, this.#verb, this.request);
    if (instead) this.#resolve(instead);
    else this.#reject(error);
  }

  expire(): void {
    this.abandoned = true;
    this.fail(this.#context.expired(), true);
  }
}

/** Servers that this process has been warned about. */
const warnedOf = new Set<string>();

export class Caller {
  readonly #options: CallerOptions;
  readonly #use: NodeUse;
  readonly #node: RedisNode;
  readonly #context: CallContext;
  readonly #replicas: Replicas | undefined;
  #loading: Promise<unknown> | undefined;
  #closed = false;

  constructor(options: CallerOptions) {
    const { redis, tls, key, clock } = options;
    this.#options = options;
    this.#use = useNode(redis, { tls, key, clock });
    this.#node = this.#use.node;
    this.#context = {
      deadlines: new Deadlines(clock),
      expired: () => (this.#closed ? 'closed' : `did not answer within ${options.timeout} ms`),
      failure: (reason, sent) => this.#failure(reason, sent),
    };
    this.#replicas = options.replicas && new Replicas(this.#node, options.replicas);
  }

  /** The node over which it calls, which others may share. */
  get node(): RedisNode {
    return this.#node;
  }

  get address(): string {
    return this.#node.address;
  }

  get waitsForReplicas(): boolean {
    return this.#replicas !== undefined;
  }

  /**
   * `instead` is asked about a call that was answered with an error. Throws UnavailableError; MisuseError for a user
   * without the rights, and once the caller is closed.
   */
  call<Request, Result>(
    verb: AnyCallVerb<Request, Result>,
    request: Request,
    instead?: Instead,
  ): Promise<Result> {
    const deadline = this.#options.clock.now() + this.#options.timeout;
    const parts = { verb, request, deadline, instead };
    // The common case costs one promise.
    if (this.#closed || this.#loading === undefined || this.#node.unavailable !== undefined) {
      return this.#callWhenReady(parts);
    }
    return this.#submit(parts);
  }

  async #callWhenReady<Request, Result>(parts: PendingParts<Request, Result>): Promise<Result> {
    this.requireOpen();
    await this.#ready();
    this.requireOpen();
    return this.#submit(parts);
  }

  /** Resolves when replicas have everything that was acknowledged so far. Throws UnavailableError. */
  async replicated(): Promise<void> {
    await this.#replicas?.confirm().catch((cause: unknown) => {
      const nodes = [{ node: this.address, reason: reasonOf(cause) }];
      throw new UnavailableError(`${this.#options.words.unreplicated}.`, nodes, { cause });
    });
  }

  /**
   * Listens on a channel of the same server, from the moment that it can be reached, until what it resolves to is closed.
   * Throws MisuseError if no client is installed, and once the caller is closed.
   */
  async listen(channel: string, listener: Listener): Promise<{ close(): void }> {
    this.requireOpen();
    return this.#node.listen(channel, listener);
  }

  /** Throws MisuseError once the caller is closed. */
  requireOpen(): void {
    const { subject, closed } = this.#options.words;
    if (this.#closed) throw new MisuseError(`${subject} is closed; ${closed}.`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#context.deadlines.expireAll();
    this.#use.release();
  }

  #submit<Request, Result>(parts: PendingParts<Request, Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const call = new PendingCall(this.#context, parts, resolve, reject);
      this.#context.deadlines.add(call);
      this.#node.submit(parts.verb, call, this.#options.urgent);
    });
  }

  async #ready(): Promise<void> {
    const { clock, timeout } = this.#options;
    try {
      await within(clock, timeout, this.#prepare(), `was not ready within ${timeout} ms`);
    } catch (error) {
      throw error instanceof MisuseError ? error : this.#failure(reasonOf(error), false);
    }
  }

  async #prepare(): Promise<void> {
    await this.#node.open();
    if (this.#node.unavailable !== undefined) return;
    if (this.#loading === undefined) void this.#warnOfEviction();
    // Without the scripts the first calls are repeated; that is all.
    this.#loading ??= this.#node.load(this.#options.scripts ?? []).catch(() => {});
    await this.#loading;
  }

  /** A server that evicts keys when its memory is full evicts keys that are relied on here. */
  async #warnOfEviction(): Promise<void> {
    const policy = await this.#node.info().then(
      ({ maxmemoryPolicy }) => maxmemoryPolicy,
      () => '',
    );
    if (!policy.startsWith('allkeys') || warnedOf.has(this.address)) return;
    warnedOf.add(this.address);
    process.emitWarning(
      `${this.#options.words.subject} loses what it has acknowledged when ${this.address} runs out of memory: its maxmemory-policy is ${policy}, which drops keys. Set it to noeviction.`,
      'HoldfastRedisWarning',
    );
  }

  #failure(reason: string, sent: boolean): HoldfastError {
    const { subject, unknown } = this.#options.words;
    if (this.#closed) {
      const outcome = sent
        ? ' was closed before it answered; whether it did what was asked is not known'
        : ' was closed; nothing was done';
      return new AbortedError(`${subject}${outcome}.`, reason);
    }
    const refusal = this.#options.refusal?.(reason);
    if (refusal) return refusal;
    if (isForbidden(reason)) {
      return new MissingRightsError(
        `${this.address} does not let this user do that. ${FORBIDDEN_ADVICE}\n  ${this.address}: ${reason}`,
      );
    }
    return new UnavailableError(`${subject} ${outcomeOf(reason, sent, unknown)}.`, [
      { node: this.address, reason },
    ]);
  }
}

function outcomeOf(reason: string, sent: boolean, unknown: string): string {
  if (!sent) return 'could not be reached; nothing was done. Retry later';
  if (isRefused(reason)) return `was refused by Redis; nothing was done. ${adviceFor(reason)}`;
  return `did not answer; whether it did what was asked is not known. ${unknown}`;
}
