/**
 * What a step takes, and what its body is given.
 */
import {
  display,
  duration,
  MisuseError,
  optional,
  type Random,
  type Reader,
  readOptions,
  type Settings,
  type TokenHolder,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { StepStream } from './stream-writer.js';

/** What a step's body has: the owner of one attempt. Every guard of @holdfast/fence takes it as a holder. */
export interface Step extends TokenHolder {
  /** The fencing token of this attempt. A later attempt, here or elsewhere, has a higher one. */
  readonly token: number;
  /** Aborts when the attempt is over: its time is up, its scope was cancelled, or the run is owned by another. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly attempt: number;
  /** The same for every attempt of this step: give it to services that know such keys. */
  readonly idempotencyKey: string;
  readonly lease: {
    /** Milliseconds for which the run is certainly ours. */
    remaining(): number;
  };
  /**
   * A stream of the run, by its name (1 to 64 letters, digits, "_" and "-"): what is written to it can be read at once with
   * `run.stream`. Throws MisuseError.
   */
  stream(name: string): StepStream;
}

export type StepBody<T> = (step: Step) => Promise<T> | T;

/** How long a step waits after a failed attempt: `delay`, doubled each time up to `limit`, half of it left to chance. */
export interface Backoff {
  /** In ms, after the first attempt. Default 1000. */
  readonly delay?: number;
  /** In ms. Default 60000. */
  readonly limit?: number;
}

export interface StepOptions {
  /** How often the body is tried before the step fails, at least 1. Default 3. An error with the code HOLDFAST_NON_RETRYABLE is not tried again. */
  readonly attempts?: number;
  readonly backoff?: Backoff;
  /** How long an attempt may take, in ms. Default: as long as it likes. Its signal aborts then, and the next has a higher token. */
  readonly timeout?: number;
  /** Names the step in place of its number, within its scope: for calls that do not begin in a fixed order. 1 to 128 letters, digits and "_.:-". */
  readonly key?: string;
}

const BACKOFF = { delay: withDefault(duration(), 1_000), limit: withDefault(duration(), 60_000) };

const backoff: Reader<Settings<typeof BACKOFF>> = (option, value) => readOptions(option, value, BACKOFF);

const key: Reader<string> = (option, value) => {
  if (typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value)) return value;
  throw new MisuseError(`${option} is 1 to 128 letters, digits and "_.:-"; got ${display(value)}.`);
};

const STEP = {
  attempts: withDefault(whole(1, 1_000), 3),
  backoff: withDefault(backoff, { delay: 1_000, limit: 60_000 }),
  timeout: optional(duration({ min: 1 })),
  key: optional(key),
};

export type StepSettings = Settings<typeof STEP>;

export const readStepOptions = (options: StepOptions = {}): StepSettings =>
  readOptions('step', options, STEP);

/** In ms, after attempt number `attempt` has failed. */
export function delayAfter(
  { backoff: { delay, limit } }: StepSettings,
  attempt: number,
  random: Random,
): number {
  const full = Math.min(limit, delay * 2 ** Math.min(attempt - 1, 40));
  return Math.round(full * (0.5 + 0.5 * random.unit()));
}
