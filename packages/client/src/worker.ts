/**
 * A worker that takes tasks of a queue over HTTP. The main path: `work` claims, `handle` runs the handler while `renew`
 * extends the lease, and `end` tells what came of it.
 *
 * Guarantees: while a handler runs and its signal has not aborted, nobody else has the task, by the clock of this process. What a
 * handler returned is told again until the server has answered, or the lease is over: then somebody else has the task, and this
 * delivery's token is refused wherever tokens are checked.
 */
import type { Claims } from './operations/claims.js';
import type { ClaimedTask, Holder } from './operations/schemas.js';
import { pause } from './pause.js';
import { ProblemError, UnreachableError } from './problem.js';
import { Valid } from './validity.js';
import { within } from './within.js';

export interface WorkOptions {
  /** A name by which people recognize the worker: 1 to 64 letters, digits, `_`, `:` and `-`. Default "remote". */
  readonly worker?: string;
  /** How many tasks are handled at a time. Default 1. */
  readonly concurrency?: number;
  /**
   * The kinds of tasks that the handler handles: those of others, and of none, are left to other workers. Default: all tasks.
   */
  readonly kinds?: readonly string[];
  /** How long a task is kept for this worker if it falls silent, in ms, 1000 to 600000. Default 30000. */
  readonly lease?: number;
  /** Ends the worker: it takes no more tasks, and those under way go on to their end. */
  readonly signal?: AbortSignal;
  /** Is told of errors that no handler sees: the server is away, or a task was lost. The worker goes on. */
  readonly onError?: (error: unknown) => void;
}

/** A task in the hands of this worker, under a lease. */
export interface Delivery extends Omit<ClaimedTask, 'claim'> {
  /**
   * What `client.queues.add` and `addMany` take as `holder`: nothing is added once the task was given to another worker, which
   * added something. It is a secret, as a key is.
   */
  readonly holder: Holder;
  /** Aborts when the task is no longer this worker's: it was cancelled, or its lease is over. Stop the work then. */
  readonly signal: AbortSignal;
  /** Tells how far it is: up to 16,000 bytes of JSON. */
  progress(value: unknown): Promise<void>;
  /** Adds a line to the task's log: up to 1,000 characters. */
  log(line: string): Promise<void>;
}

/** A handler that throws it has its task not tried again. */
export class NonRetryableError extends Error {
  override readonly name = 'NonRetryableError';
}

export type Handler = (delivery: Delivery) => unknown;

/** How long a claim waits at the server, in ms: below the 60 s of common proxies. */
const WAIT = 25_000;
/** Before the next try where the server is away, in ms. */
const AWAY = 1_000;

interface Work {
  readonly claims: Claims;
  readonly queue: string;
  readonly handler: Handler;
  readonly options: WorkOptions;
}

/** Resolves when the signal has aborted and all that was under way has ended. Rejects for a right that the key lacks. */
export async function work(
  claims: Claims,
  queue: string,
  handler: Handler,
  options: WorkOptions,
): Promise<void> {
  const hands = Array.from({ length: options.concurrency ?? 1 }, () =>
    workAlone({ claims, queue, handler, options }),
  );
  await Promise.all(hands);
}

async function workAlone(work: Work): Promise<void> {
  const { signal, onError } = work.options;
  const isOver = (): boolean => signal?.aborted === true;
  while (!isOver()) {
    try {
      await claimAndHandle(work);
    } catch (error) {
      if (isOver()) return;
      if (isForGood(error, [401])) throw error;
      onError?.(error);
      await pause(retryAfter(error) ?? AWAY, signal).catch(() => {});
    }
  }
}

async function claimAndHandle(work: Work): Promise<void> {
  const { claims, queue, options } = work;
  const { worker = 'remote', lease = 30_000, kinds, signal } = options;
  const sent = performance.now();
  // Without an Idempotency-Key: where this process has gone by then, the server gives the task to others at once.
  const answer = await claims.claim(
    queue,
    { worker, lease, max: 1, wait: WAIT, ...(kinds && { kinds }) },
    { ...(signal && { signal }) },
  );
  for (const { claim, ...task } of answer.tasks) {
    const valid = new Valid(`Task "${task.id}" of "${queue}"`, sent, answer);
    await handle(work, { claim, task, valid, lease });
  }
}

interface Handled {
  readonly claim: string;
  readonly task: Omit<ClaimedTask, 'claim'>;
  readonly valid: Valid;
  readonly lease: number;
}

async function handle(work: Work, handled: Handled): Promise<void> {
  const { claims, handler } = work;
  const { claim, task, valid } = handled;
  const ending = new AbortController();
  const renewing = renew(work, handled, ending.signal);
  const delivery: Delivery = {
    ...task,
    holder: { claim },
    signal: valid.signal,
    progress: (progress) => claims.progress(claim, { progress }),
    log: (line) => claims.log(claim, { line }),
  };
  try {
    const result = await handler(delivery);
    await end(work, handled, () => claims.complete(claim, result === undefined ? {} : { result }));
  } catch (error) {
    await end(work, handled, () => claims.fail(claim, failureOf(error)));
  } finally {
    ending.abort();
    if (await renewing) await letGo(work, claim);
    valid.end('has ended');
  }
}

/** Ends a task that was cancelled while its handler ran: until then it is active, though nobody works on it. */
async function letGo({ claims, options }: Work, claim: string): Promise<void> {
  try {
    await claims.complete(claim, {});
  } catch (error) {
    if (!isLost(error)) options.onError?.(error); // it ends when its lease has run out, and a worker asks for tasks
  }
}

/** Extends the lease three times in its length, until the handler has ended or the task is lost. Resolves to whether it was cancelled. */
async function renew(
  { claims, options }: Work,
  { claim, valid, lease }: Handled,
  ending: AbortSignal,
): Promise<boolean> {
  const signal = AbortSignal.any([ending, valid.signal]);
  while (!signal.aborted) {
    try {
      await pause(Math.min(lease, valid.left) / 3, signal);
      const sent = performance.now();
      // As for leases: a connection that hangs is given up while there is time to ask again.
      const answer = await within(valid.left / 2, signal, (until) =>
        claims.extend(claim, {}, { signal: until }),
      );
      if (answer.cancelled !== undefined) {
        valid.end(`was cancelled: ${answer.cancelled}`);
        return true;
      }
      valid.renew(sent, answer);
    } catch (error) {
      if (signal.aborted) break;
      if (isLost(error)) valid.end('was given to another worker', error);
      else options.onError?.(error); // and tries again, until the validity is over
    }
  }
  return false;
}

/** Tells what came of a task, again and again until that is known or the lease is over. */
async function end({ options }: Work, { valid }: Handled, tell: () => Promise<unknown>): Promise<void> {
  while (!valid.signal.aborted) {
    try {
      await tell();
      return;
    } catch (error) {
      if (isLost(error)) valid.end('was given to another worker', error);
      else if (isForGood(error)) return options.onError?.(error);
      else await pause(Math.min(retryAfter(error) ?? AWAY, AWAY), valid.signal).catch(() => {});
    }
  }
  options.onError?.(valid.signal.reason);
}

function failureOf(error: unknown): { message: string; stack?: string; retry: boolean } {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  return {
    message: message.slice(0, 2_000) || 'an error without a message',
    ...(stack !== undefined && { stack: stack.slice(0, 20_000) }),
    retry: !(error instanceof NonRetryableError),
  };
}

const isLost = (error: unknown): boolean => error instanceof ProblemError && error.status === 410;

/** What trying again does not change, and what besides. A key may be refused while keys are exchanged, so 401 is none of it. */
const isForGood = (error: unknown, besides: readonly number[] = []): boolean =>
  error instanceof ProblemError
    ? [400, 403, 404, 422, ...besides].includes(error.status)
    : !(error instanceof UnreachableError);

const retryAfter = (error: unknown): number | undefined =>
  error instanceof ProblemError ? error.retryAfter : undefined;
