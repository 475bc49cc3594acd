/**
 * One attempt of a step: runs its body under a token, for as long as it may.
 *
 * Guarantees: `onEnd` is told once, of what came first: what the body gave, what it threw, or that its time was up. In the
 * last case, and when the attempt is stopped, the signal is aborted. What a body that is stopped gives later goes nowhere,
 * and a guard refuses what it writes once the next attempt has sealed.
 */
import { type Clock, type HoldfastError, LeaseLostError, LeaseSignal, type Timer } from '@holdfast/kernel';
import { addEffect, type Command } from '@holdfast/redis';
import { askable, encodeValue } from '../json.js';
import type { Step, StepBody } from './options.js';
import type { Append, StepStream } from './stream-writer.js';
import { AttemptStreams } from './streams.js';

interface AttemptClaim {
  readonly token: number;
  readonly resource: string;
  readonly issuer: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly checkpointed: unknown;
}

export type AttemptEnd =
  | {
      readonly isDone: true;
      readonly token: number;
      readonly value: unknown;
      /** To be carried out with the commit of that. */
      readonly effects: readonly Command[];
    }
  | {
      readonly isDone: false;
      readonly token: number;
      readonly error: unknown;
      /** It has ended with nothing left of its lease, which was not renewed in time. */
      readonly isLost: boolean;
    };

/** `took`: for how many ms its body went on. */
export type OnAttemptEnd = (end: AttemptEnd, took: number) => void;

const NONE: readonly Command[] = [];

/** An attempt's time was up. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

export interface AttemptOptions {
  readonly clock: Clock;
  readonly claim: AttemptClaim;
  /** Monotonic time, in ms, until which the run is certainly ours. */
  readonly validUntil: () => number;
  readonly timeout: number | undefined;
  readonly append: Append;
  readonly checkpoint: (value: unknown) => Promise<void>;
  readonly onEnd: (end: AttemptEnd) => void;
  /** The body has given or thrown something, whether anybody waits for that or not; before `onEnd`. */
  readonly onSettled: (error?: unknown) => void;
}

export class Attempt implements Step {
  /** Made when it is first asked for. */
  #effects: Command[] | undefined;
  readonly token: number;
  readonly resource: string;
  readonly issuer: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly checkpointed: unknown;
  readonly #options: AttemptOptions;
  #timer: Timer | undefined;
  #signal: LeaseSignal | undefined;
  #streams: AttemptStreams | undefined;
  /** Why nobody relies on it any more. */
  #over: Error | undefined;
  #hasEnded = false;

  constructor(options: AttemptOptions) {
    const { claim } = options;
    this.token = claim.token;
    this.resource = claim.resource;
    this.issuer = claim.issuer;
    this.attempt = claim.attempt;
    this.idempotencyKey = claim.idempotencyKey;
    this.checkpointed = claim.checkpointed;
    this.#options = options;
  }

  get lease(): { remaining(): number } {
    const { clock, validUntil } = this.#options;
    return { remaining: () => (this.#over ? 0 : Math.max(0, validUntil() - clock.now())) };
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal.signal;
  }

  effect(command: string, ...args: readonly (string | number)[]): void {
    const over = this.#writesUntil();
    if (over) throw over;
    this.#effects ??= [];
    addEffect(this.#effects, [command, ...args], 'step');
  }

  async checkpoint(value: unknown): Promise<void> {
    if (this.#over) throw this.#over;
    if (this.#hasEnded) throw this.#lost();
    encodeValue(value, 'A checkpoint');
    await this.#options.checkpoint(value);
  }

  stream(name: string): StepStream {
    const { clock, append } = this.#options;
    this.#streams ??= new AttemptStreams({
      clock,
      append,
      over: () => this.#writesUntil(),
      lost: () => this.#lost(),
    });
    return this.#streams.of(name);
  }

  run(body: StepBody<unknown>): void {
    const { clock, timeout } = this.#options;
    if (timeout !== undefined) this.#timer = clock.after(timeout, () => this.#expire(timeout));
    let given: unknown;
    try {
      given = body(this);
    } catch (error) {
      given = Promise.reject(error);
    }
    Promise.resolve(given).then(
      (value) => {
        this.#options.onSettled();
        this.#done(value);
      },
      (error: unknown) => {
        this.#options.onSettled(error);
        this.#fail(askable(error));
      },
    );
  }

  /** Nobody waits for it any more. */
  stop(reason: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#timer?.cancel();
    this.#over = reason;
    this.#signal?.abort(reason as HoldfastError);
  }

  /** What it has written is in its streams before its result is known. */
  #done(value: unknown): void {
    const end: AttemptEnd = { isDone: true, token: this.token, value, effects: this.#effects ?? NONE };
    if (this.#streams === undefined) {
      this.#end(end);
      return;
    }
    this.#streams.flush().then(
      () => this.#end(end),
      (error: unknown) => this.#fail(error),
    );
  }

  #writesUntil(): Error | undefined {
    if (this.#over) return this.#over;
    return this.#hasEnded ? new Error('the attempt has ended') : undefined;
  }

  #expire(timeout: number): void {
    const error = new TimeoutError(`it took longer than its timeout of ${timeout} ms`);
    this.stop(error);
    this.#options.onEnd({ isDone: false, token: this.token, error, isLost: false });
  }

  #fail(error: unknown): void {
    const isLost = this.#signal?.check() || this.lease.remaining() === 0;
    this.#end({ isDone: false, token: this.token, error, isLost });
  }

  #end(end: AttemptEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#timer?.cancel();
    this.#signal?.stop();
    this.#options.onEnd(end);
  }

  #makeSignal(): LeaseSignal {
    const { clock, validUntil } = this.#options;
    const signal = new LeaseSignal(clock, {
      ends: validUntil,
      reason: () => this.#lost(),
      onAbort: () => {},
    });
    if (this.#over) signal.abort(this.#over as HoldfastError);
    return signal;
  }

  #lost(): LeaseLostError {
    const { resource, token } = this;
    return new LeaseLostError(`The lease on ${resource} ran out before it could be renewed. Stop its work.`, {
      resource,
      token,
    });
  }
}
