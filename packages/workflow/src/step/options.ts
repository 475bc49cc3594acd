/**
 * What a step takes, and what its body is given.
 */
import {
  type Backoff,
  type CustomBackoff,
  callback,
  DEFAULT_BACKOFF,
  display,
  duration,
  MisuseError,
  optional,
  passedOn,
  type Reader,
  readBackoff,
  readOptions,
  readSchema,
  type Schema,
  type Settings,
  type TokenHolder,
  text,
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
  /** What the last attempt before this one, here or elsewhere, has kept with `checkpoint`; undefined if nothing. */
  readonly checkpointed: unknown;
  /**
   * Keeps a value, JSON, for the next attempt, so that a long body goes on where it was. Resolves when it is in the journal.
   * Throws MisuseError; rejects once the attempt is over.
   */
  checkpoint(value: unknown): Promise<void>;
  /**
   * Adds a Redis command to the end of the step: it is carried out in the script that commits the step's result, so exactly
   * once, and not at all if the attempt fails or the run is owned by another by then. Keys are on the app's own Redis; in a
   * Cluster they carry the hash tag of the run's partition, "{wf:<app>.<partition>}". At most 100 commands. If Redis refuses
   * one, such as for a key of another type, the effects of those before it stay, and the run is stuck; retried, it runs the
   * step again. Throws MisuseError, and once the attempt is over.
   */
  effect(command: string, ...args: readonly (string | number)[]): void;
  /**
   * A stream of the run, by its name (1 to 64 letters, digits, "_" and "-"): what is written to it can be read at once with
   * `run.stream`. Throws MisuseError.
   */
  stream(name: string): StepStream;
}

export type StepBody<T> = (step: Step) => Promise<T> | T;

/** What there is to undo: a step that was done, and what it gave; or one of which nobody knows whether it was. */
export type Undone<T = unknown> =
  | { readonly outcome: 'done'; readonly value: T }
  | { readonly outcome: 'unknown'; readonly value?: undefined };

/**
 * Undoes a step, under a token above those of all its attempts. It may run more than once, and where the step has done
 * nothing. Let it write through the step's guard in any case: what a frozen body of the step writes later is then refused.
 */
// biome-ignore lint/suspicious/noExplicitAny: an undo of any step; the call that takes it ties its value to the step's own.
export type Undo<T = any> = (step: Step, undone: Undone<T>) => unknown;

export interface UndoOptions {
  /** How often it is tried before the run is stuck. Default 3. */
  readonly attempts?: number;
  /**
   * How long the step waits after a failed attempt; a function that throws or gives no number has the default take its
   * place. Default: exponential from 1 s to 1 min, half of it random.
   */
  readonly backoff?: Backoff | CustomBackoff;
  /** How long an attempt may take, in ms. Default: as long as it likes. */
  readonly timeout?: number;
}

export interface OnceOptions {
  /** How long the body may take, in ms. It is not known then whether it was carried out. Default: as long as it likes. */
  readonly timeout?: number;
  /** As of a step. */
  readonly key?: string;
  /** As of a step. */
  readonly of?: unknown;
}

export interface StepOptions<T = unknown> {
  /** How often the body is tried before the step fails, at least 1. Default 3. An error with the code HOLDFAST_NON_RETRYABLE is not tried again. */
  readonly attempts?: number;
  /**
   * How long the step waits after a failed attempt; a function that throws or gives no number has the default take its
   * place. Default: exponential from 1 s to 1 min, half of it random.
   */
  readonly backoff?: Backoff | CustomBackoff;
  /** How long an attempt may take, in ms. Default: as long as it likes. Its signal aborts then, and the next has a higher token. */
  readonly timeout?: number;
  /** Names the step in place of its number, within its scope: for calls that do not begin in a fixed order. 1 to 128 letters, digits and "_.:-". */
  readonly key?: string;
  /** What the step is of, any JSON: a replay that comes here with another value is stuck, rather than given this one's result. */
  readonly of?: unknown;
  /** Any Standard Schema: what the body gives is checked, and kept as the schema makes it. Another value is a failed attempt. */
  readonly schema?: Schema;
  /**
   * Keeps the result for other runs of the workflow, for `ttl` ms: a step of the same name and cache key may be given it in
   * place of running its body. Best effort: for what is costly, and depends on the key alone.
   */
  readonly cache?: { readonly key: string; readonly ttl: number };
  /**
   * Called, with the step's attempts, backoff and timeout, if the run fails or is cancelled: such steps are undone from the
   * last to the first. It costs one more commit, before the body.
   */
  readonly undo?: Undo<T>;
}

export const STEP_BACKOFF: Backoff = { ...DEFAULT_BACKOFF, limit: 60_000 };

const backoff: Reader<Backoff | CustomBackoff> = (option, value) =>
  typeof value === 'function' ? (value as CustomBackoff) : readBackoff(option, value);

/** Names a call in place of its number. */
export const callKey: Reader<string> = (option, value) => {
  if (typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value)) return value;
  throw new MisuseError(`${option} is 1 to 128 letters, digits and "_.:-"; got ${display(value)}.`);
};

const CACHE = { key: text('text'), ttl: duration({ min: 1, max: Number.MAX_SAFE_INTEGER }) };

const cache: Reader<Settings<typeof CACHE>> = (option, value) => readOptions(option, value, CACHE);

const STEP = {
  attempts: withDefault(whole(1, 1_000), 3),
  backoff: withDefault(backoff, STEP_BACKOFF),
  timeout: optional(duration({ min: 1 })),
  key: optional(callKey),
  of: passedOn<unknown>(),
  schema: optional(readSchema),
  undo: optional(callback<Undo>()),
  cache: optional(cache),
};

export type StepSettings = Settings<typeof STEP>;

// biome-ignore lint/suspicious/noExplicitAny: of any step.
export const readStepOptions = (options: StepOptions<any> = {}): StepSettings =>
  readOptions('step', options, STEP);

const ONCE = { timeout: STEP.timeout, key: STEP.key, of: STEP.of };

/** It has one attempt. */
export const readOnceOptions = (options: OnceOptions = {}): StepSettings =>
  readStepOptions({ ...defined(readOptions('once', options, ONCE)), attempts: 1 });

const UNDO = { attempts: STEP.attempts, backoff: STEP.backoff, timeout: STEP.timeout };

export const readUndoOptions = (options: UndoOptions = {}): StepSettings =>
  readStepOptions(defined(readOptions('compensate', options, UNDO)));

/** Without what is undefined. */
const defined = (settings: object): StepOptions =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
