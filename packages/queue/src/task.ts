/**
 * A task, as its handler sees it: its data, and the lease under which it was delivered.
 *
 * Guarantees: `token` is higher than that of every earlier delivery of the task. `signal` aborts, and `remaining()` is
 * 0, before the task can be delivered to anybody else. `progress` is refused once the lease is lost.
 */
import {
  type Clock,
  display,
  duration,
  type HoldfastError,
  LeaseLostError,
  LeaseSignal,
  MisuseError,
  type TokenHolder,
} from '@holdfast/kernel';
import { addEffect, type Command } from '@holdfast/redis';
import type { Claimed } from './claimed.js';
import { partsOfKey } from './keys.js';
import type { Payloads } from './payloads.js';
import type { TaskOutcome } from './results.js';
import { LONGEST_DELAY } from './task-options.js';

/** Of a log, in characters. */
export const LONGEST_LINE = 1_000;

export interface Task<Data = unknown> extends TokenHolder {
  readonly id: string;
  /** The name of its queue. */
  readonly queue: string;
  /** The data, as the queue's schema returns them. */
  readonly data: Data;
  /** How often the task has been tried, including this time: from 1. */
  readonly attempt: number;
  /** The fencing token of this delivery: give the task to a guard as you would a lease. */
  readonly token: number;
  /** The resource that guards check, unless you name another: "<issuer>/<id>", such as "queue:<queue>/<id>". */
  readonly resource: string;
  /**
   * The issuer of the token: "queue:<queue>", with a prefix "queue:<prefix>{<queue>}". Guards compare only tokens of
   * the same issuer.
   */
  readonly issuer: string;
  /** The key that the task was added with, if any. */
  readonly key: string | undefined;
  /** The tenant that the task was added for, if any. */
  readonly tenant: string | undefined;
  /** The name of the kind that the task was added with, if any. */
  readonly kind: string | undefined;
  /** Aborts when the lease is lost, or when the worker is stopped and its grace is over. */
  readonly signal: AbortSignal;
  readonly lease: {
    /** Milliseconds for which the task is certainly this worker's; 0 once it is not. */
    remaining(): number;
  };
  /**
   * Adds a Redis command to the task's end: it is carried out in the same script that completes the task, so exactly
   * once, and not at all if this worker has lost the task or the attempt fails. Keys are on the queue's own Redis; in a
   * Cluster they carry the queue's hash tag, "{queue:<name>}". At most 100 commands. If Redis refuses one, such as for
   * a key of another type, the effects of those before it stay, and the task becomes a dead letter. Throws MisuseError,
   * LeaseLostError.
   */
  effect(command: string, ...args: readonly (string | number)[]): void;
  /**
   * Reports the task's progress: at most 16,000 bytes of JSON, when encoded. Throws LeaseLostError, UnavailableError,
   * MisuseError, CodecError.
   */
  progress(value: unknown): Promise<void>;
  /**
   * Adds a line to the task's log, which `queue.log(id)` reads as long as anything is known of the task: at most 100 lines
   * and 32,000 bytes, when encoded, of which the oldest make room for others; a line is cut at 1000 characters. Throws
   * LeaseLostError, UnavailableError, MisuseError, CodecError.
   */
  log(line: string): Promise<void>;
  /**
   * For a task that was added as the follow-up of others: how those have ended, in their order, read from Redis page by
   * page. Throws MisuseError for any other task, CodecError for a result that cannot be decoded, UnavailableError.
   */
  outcomes(): AsyncGenerator<TaskOutcome, void>;
  /**
   * For "not yet", as when a service asks to be left alone: return what this gives, or throw it, and the task is tried
   * again in so many ms. This attempt does not count, its effects are dropped, and the task keeps the slot of its key.
   * Throws MisuseError.
   */
  defer(delay: number): Deferral;
}

/** Made by `task.defer`, for a handler to return or throw. */
export class Deferral {
  /** In ms. */
  readonly delay: number;

  /** @internal */
  constructor(delay: number) {
    this.delay = delay;
  }

  /** The delay, if that is what a handler has returned or thrown: which may be anything, a proxy that was revoked too. */
  static delayOf(ended: unknown): number | undefined {
    try {
      return ended instanceof Deferral ? ended.delay : undefined;
    } catch {
      return undefined;
    }
  }
}

const readDelay = duration({ max: LONGEST_DELAY });

/** Handles a task. It returns the task's result, or throws the error with which the attempt fails. */
export type TaskHandler<Data = unknown, Result = unknown> = (task: Task<Data>) => Promise<Result> | Result;

/** The parts of its delivery that a task needs. */
export interface TaskContext {
  readonly clock: Clock;
  /** Monotonic time, in ms, until which the lease is certainly valid. */
  readonly validUntil: () => number;
  /** Records JSON. False if the delivery is somebody else's. */
  readonly progress: (text: string) => Promise<boolean>;
  /** Logs a line, which is JSON. False if the delivery is somebody else's. */
  readonly log: (attempt: number, line: string) => Promise<boolean>;
  /** How the tasks have ended that it follows on. */
  readonly outcomes: () => AsyncGenerator<TaskOutcome, void>;
}

/** The parts of its queue that a task needs. */
export interface TaskQueue {
  readonly name: string;
  readonly issuer: string;
  readonly payloads: Payloads;
}

export class DeliveredTask<Data> implements Task<Data> {
  readonly id: string;
  readonly queue: string;
  /** Set when the task is handled, after the check by the schema. */
  data!: Data;
  readonly attempt: number;
  readonly token: number;
  readonly resource: string;
  readonly issuer: string;
  readonly key: string | undefined;
  readonly tenant: string | undefined;
  readonly kind: string | undefined;
  /** Commands that are carried out with the task's end. */
  readonly effects: Command[] = [];
  readonly #payloads: Payloads;
  readonly #context: TaskContext;
  #signal: LeaseSignal | undefined;
  /** Why nobody relies on it any more. */
  #over: HoldfastError | undefined;
  #settled = false;

  constructor(
    queue: TaskQueue,
    { id, key, options, made, deliveries }: Claimed,
    token: number,
    context: TaskContext,
  ) {
    this.id = id;
    this.queue = queue.name;
    this.attempt = made + deliveries;
    this.token = token;
    this.issuer = queue.issuer;
    this.resource = `${queue.issuer}/${id}`;
    const { key: own, tenant } = partsOfKey(key);
    this.key = own;
    this.tenant = tenant;
    this.kind = options.j;
    this.#payloads = queue.payloads;
    this.#context = context;
  }

  get lease(): { remaining(): number } {
    const { clock, validUntil } = this.#context;
    return { remaining: () => (this.#over ? 0 : Math.max(0, validUntil() - clock.now())) };
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#signal = new LeaseSignal(this.#context.clock, {
        ends: this.#context.validUntil,
        reason: () => this.lost('it ran out before it could be renewed'),
        onAbort: () => {},
      });
      if (this.#over) this.#signal.abort(this.#over);
    }
    return this.#signal.signal;
  }

  /** Why the task may no longer be ended or written to, if so. */
  get over(): HoldfastError | undefined {
    if (this.#over) return this.#over;
    if (this.#settled) return this.lost('it has ended');
    return this.lease.remaining() === 0 ? this.lost('it ran out') : undefined;
  }

  effect(command: string, ...args: readonly (string | number)[]): void {
    const { over } = this;
    if (over) throw over;
    addEffect(this.effects, [command, ...args], 'task');
  }

  async progress(value: unknown): Promise<void> {
    if (this.#over) throw this.#over;
    const isOurs = await this.#context.progress(await this.#payloads.progress(value));
    if (!isOurs) throw this.lost('it was delivered to somebody else since');
  }

  async log(line: string): Promise<void> {
    if (this.#over) throw this.#over;
    if (typeof line !== 'string') throw new MisuseError(`A line of a log is text; got ${display(line)}.`);
    const text = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
    const isOurs = await this.#context.log(this.attempt, await this.#payloads.line(text));
    if (!isOurs) throw this.lost('it was delivered to somebody else since');
  }

  outcomes(): AsyncGenerator<TaskOutcome, void> {
    return this.#context.outcomes();
  }

  defer(delay: number): Deferral {
    return new Deferral(readDelay('The delay of defer', delay));
  }

  lost(why: string): LeaseLostError {
    const { resource, token } = this;
    return new LeaseLostError(`The lease on task ${this.id} is lost: ${why}. Stop its work.`, {
      resource,
      token,
    });
  }

  /** Called when the delivery is over for the worker: the lease is lost, or the worker stops. */
  end(reason: HoldfastError): void {
    this.#over ??= reason;
    this.#signal?.abort(reason);
  }

  /** Called when the task was handled: its signal need not abort any more. */
  settle(): void {
    this.#settled = true;
    this.#signal?.stop();
  }
}
