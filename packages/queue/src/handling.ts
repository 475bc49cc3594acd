/**
 * One attempt at a task: the check of its data against the schema, the handler, and the outcome of the delivery.
 *
 * Guarantees: whatever a handler, a schema or a custom backoff throws or returns, the delivery has an outcome. A
 * handler that has succeeded completes its task, even if its result cannot be kept; one that does not end within the
 * task's timeout has failed, and its slot is free. Only data that do not fit the
 * schema, and tasks that cannot be read, are not tried again; a schema that throws is a failed attempt. A task whose data the
 * queue's codec cannot decode is left to other workers, or for later, which costs no attempt; after an hour it is a dead letter.
 */
import {
  type CustomBackoff,
  DEFAULT_BACKOFF,
  delayFor,
  messageOf,
  type Schema,
  validateData,
} from '@holdfast/kernel';
import type { Report } from '@holdfast/redis';
import { type Claimed, unreadableBecause } from './claimed.js';
import { handedBack } from './deliveries.js';
import { ResultNotKeptError, TaskTimeoutError } from './errors.js';
import { encodeTrace } from './inspection.js';
import { asKnown, type HandledKind, leftToOthers, unknownKind } from './kinds.js';
import {
  dead,
  done,
  failed,
  failureOf,
  keptAsAsked,
  later,
  type Outcome,
  whyGivenUp,
  withEffects,
} from './outcome.js';
import type { QueueParts } from './parts.js';
import { passOn } from './passing.js';
import { isSealedHere } from './payloads.js';
import { whyNotKept } from './results.js';
import { Deferral, type DeliveredTask, type TaskHandler } from './task.js';
import type { KeptFailure, KeptOptions } from './task-options.js';
import { attemptOf, gaveUp } from './telemetry.js';

export interface HandlingOptions {
  readonly queue: QueueParts;
  readonly handler: TaskHandler;
  /** Handlers by the kinds of tasks, instead of that. */
  readonly kinds?: ReadonlyMap<string, HandledKind> | undefined;
  readonly backoff: CustomBackoff | undefined;
  /** The worker's name. */
  readonly worker: string;
  readonly report: Report;
}

interface Attempt {
  /** By the server, in ms. */
  readonly now: number;
  readonly handler: TaskHandler;
  readonly schema: Schema | undefined;
  readonly data?: string;
}

/** When an attempt was delivered, by the server in ms, and how long it has taken until now. */
interface Attempted {
  readonly now: number;
  readonly took: () => number;
}

export class Handling {
  readonly #options: HandlingOptions;
  /** Kinds that it was given and does not know. */
  readonly #unknown = new Set<string | undefined>();
  /** Whether the last encoded task could not be decoded. */
  #cannotDecode = false;

  constructor(options: HandlingOptions) {
    this.#options = options;
  }

  /** `now`: by the server, in ms. */
  handle(claimed: Claimed, task: DeliveredTask<unknown>, now: number): Promise<Outcome> | Outcome {
    const outcome = this.#handle(claimed, task, now);
    if (claimed.options.k === undefined) return outcome;
    if (!(outcome instanceof Promise)) return keptAsAsked(outcome, claimed);
    return outcome.then((one) => keptAsAsked(one, claimed));
  }

  #handle(claimed: Claimed, task: DeliveredTask<unknown>, now: number): Promise<Outcome> | Outcome {
    const why = whyGivenUp(claimed, task.attempt, now);
    if (why !== undefined) return this.#giveUp(claimed, task, now, why);
    const { kinds, handler, queue } = this.#options;
    // One that is to be passed on is no task of this queue's handlers.
    if (kinds === undefined || claimed.options.n !== undefined)
      return this.#attempt(claimed, task, { now, handler, schema: queue.schema });
    const kind = kinds.get(claimed.options.j ?? '');
    if (kind === undefined) return this.#leave(claimed, task, now);
    const { schema = queue.schema } = kind;
    return this.#attempt(asKnown(claimed), task, { now, handler: kind.handler, schema });
  }

  /** Of a kind that it does not know: others may. */
  #leave(claimed: Claimed, task: DeliveredTask<unknown>, now: number): Outcome | Promise<Outcome> {
    const { queue, report } = this.#options;
    const { outcome, error } = unknownKind(claimed, { attempt: task.attempt, now, queue: queue.name });
    if (outcome === undefined) return this.#giveUp(asKnown(claimed), task, now, error.message);
    if (!this.#unknown.has(error.kind)) report(error);
    this.#unknown.add(error.kind);
    return outcome;
  }

  /** As long as workers are given a new key one after the other, or the codec cannot ask for it. */
  #leaveEncoded(claimed: Claimed, task: DeliveredTask<unknown>, now: number, error: unknown) {
    const outcome = leftToOthers(claimed, { attempt: task.attempt, now });
    if (!this.#cannotDecode) this.#options.report(error);
    this.#cannotDecode = true;
    return outcome ?? this.#giveUp(asKnown(claimed), task, now, messageOf(error));
  }

  async #attempt(
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    { now, handler, schema }: Attempt,
  ): Promise<Outcome> {
    if (!isSealedHere(claimed)) return this.#attemptWith(claimed, task, { now, handler, schema });
    let data: string;
    try {
      data = await this.#options.queue.payloads.dataOf(claimed);
      this.#cannotDecode = false;
    } catch (error) {
      return this.#leaveEncoded(claimed, task, now, error);
    }
    // Meanwhile it may have been cancelled, or lost.
    if (task.over) return handedBack(claimed);
    return this.#attemptWith(asKnown(claimed), task, { now, handler, schema, data });
  }

  /** `data`: JSON. */
  async #attemptWith(
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    { now, handler, schema, data = claimed.data }: Attempt,
  ): Promise<Outcome> {
    const { queue } = this.#options;
    const { clock } = queue.port;
    const began = clock.now();
    const at = { now, took: () => clock.now() - began };
    try {
      task.data = JSON.parse(data);
    } catch (error) {
      const { unreadable } = unreadableBecause(error);
      return this.#giveUp({ ...claimed, data: JSON.stringify(claimed.data) }, task, now, unreadable);
    }
    const { n: next } = claimed.options;
    if (schema && next === undefined) {
      try {
        const checked = await validateData(schema, task.data, {
          of: `task ${claimed.id}`,
          owner: 'queue',
        });
        if ('wrong' in checked) return this.#giveUp(claimed, task, now, checked.wrong);
        task.data = checked.value;
      } catch (error) {
        // The schema could not tell, as when its database is away: that says nothing about the data.
        return this.#failed(claimed, task, at, error);
      }
    }
    const attempt = attemptOf(queue.name, task, claimed.options.t);
    try {
      if (next !== undefined) return await this.#passOn(claimed, task, at, next);
      const timeout = claimed.options.h;
      const run = (): unknown =>
        timeout === undefined ? handler(task) : this.#runWithin(timeout, task, handler);
      const result = await (attempt ? attempt.run(run) : run());
      const delay = Deferral.delayOf(result);
      if (delay !== undefined) {
        attempt?.ended(clock.now() - began, 'deferred');
        return later(claimed, task.attempt, delay);
      }
      const kept = queue.payloads.result(result);
      const text = typeof kept === 'string' ? kept : await kept;
      attempt?.ended(clock.now() - began, 'done');
      return this.#done(claimed, task, at, text);
    } catch (error) {
      const delay = Deferral.delayOf(error);
      if (delay !== undefined) {
        attempt?.ended(clock.now() - began, 'deferred');
        return later(claimed, task.attempt, delay);
      }
      const failing = this.#failed(claimed, task, at, error);
      const outcome = failing instanceof Promise ? await failing : failing;
      attempt?.ended(clock.now() - began, outcome[0] === 'retry' ? 'retry' : 'dead', error);
      return outcome;
    }
  }

  /** It is for another queue: the handler of this one never sees it. */
  async #passOn(
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    at: Attempted,
    next: NonNullable<KeptOptions['n']>,
  ): Promise<Outcome> {
    const delay = await passOn(this.#options.queue.port, claimed, next);
    return delay === undefined ? this.#done(claimed, task, at, 'null') : later(claimed, task.attempt, delay);
  }

  /** What a handler does after its time is over concerns nobody: neither its result nor what it throws. */
  #runWithin(timeout: number, task: DeliveredTask<unknown>, handler: TaskHandler): Promise<unknown> {
    const { queue } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = queue.port.clock.after(timeout, () => {
        const error = new TaskTimeoutError({ queue: queue.name, id: task.id, timeout });
        task.end(error);
        reject(error);
      });
      const run = async (): Promise<unknown> => handler(task);
      run()
        .finally(() => timer.cancel())
        .then(resolve, reject);
    });
  }

  #done(claimed: Claimed, task: DeliveredTask<unknown>, { now, took }: Attempted, text: string): Outcome {
    const { queue, worker, report } = this.#options;
    const reason = whyNotKept(text);
    if (reason !== undefined) report(new ResultNotKeptError({ queue: queue.name, id: claimed.id, reason }));
    const { added, errors } = claimed;
    const { attempt } = task;
    const trace = encodeTrace({ attempt, added, begun: now, duration: took(), worker, errors });
    const outcome = done(claimed, text, trace);
    if (task.effects.length === 0) return outcome;
    return withEffects(outcome, task.effects, claimed, { attempt, at: now, worker });
  }

  #failed(
    claimed: Claimed,
    { attempt }: DeliveredTask<unknown>,
    { now, took }: Attempted,
    error: unknown,
  ): Outcome | Promise<Outcome> {
    const { queue, worker, report } = this.#options;
    const { b: own, q: fallback = DEFAULT_BACKOFF } = claimed.options;
    const backoff = own ?? this.#options.backoff ?? fallback;
    const { random } = queue.port;
    const delay = (): number => delayFor(backoff, { attempt, error, fallback, random, report });
    const details = { attempt, at: now, worker, duration: Math.round(took()) };
    return whenKept(queue.payloads.failure(failureOf(error, details)), (failure) =>
      failed(claimed, { error, failure, delay }),
    );
  }

  /** Moves the task to the dead letters, without an attempt. */
  #giveUp(
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    now: number,
    why: string,
  ): Outcome | Promise<Outcome> {
    const { attempt } = task;
    const { queue, worker } = this.#options;
    gaveUp(queue.name, task, new Error(why));
    return whenKept(queue.payloads.failure(failureOf(why, { attempt, at: now, worker })), (failure) =>
      dead(claimed, attempt - 1, [...claimed.errors, failure]),
    );
  }
}

/** The outcome that follows when the failure is encoded, if it is to be. */
const whenKept = (
  failure: KeptFailure | Promise<KeptFailure>,
  outcomeOf: (failure: KeptFailure) => Outcome,
): Outcome | Promise<Outcome> => (failure instanceof Promise ? failure.then(outcomeOf) : outcomeOf(failure));
