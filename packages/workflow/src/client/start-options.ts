/**
 * What a start takes: which run it is, and when it begins.
 */
import {
  abortSignal,
  display,
  duration,
  MisuseError,
  optional,
  type Reader,
  type Settings,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { requireId, requireText } from '../run-name.js';
import type { StartTerms } from '../store/store.js';

export interface StartOptions {
  /** 1 to 256 bytes of UTF-8: there is one run for an id, so a start with one may be repeated. Default: a random one. */
  readonly id?: string;
  /**
   * What the run works on, 1 to 256 bytes of UTF-8. Of a workflow's runs of one key, one at a time goes on, in the order in
   * which they were started, whatever becomes of their workers; the key is free again when the run is over, not while it
   * sleeps or is stuck. It is part of the run's name, so `get` takes it too. Default: none.
   */
  readonly key?: string;
  /** From 0 to 9: runs of a higher one are claimed first. Default 0. */
  readonly priority?: number;
  /** For how many ms it does not begin. Default 0. */
  readonly delay?: number;
  /**
   * By when it has to begin, by the server's clock: a run that has not begun by then ends as cancelled, with the reason
   * "expired". Default: never.
   */
  readonly expires?: Date | number;
}

export interface RunOptions extends StartOptions {
  /** Ends the wait for the result, with an AbortedError; the run goes on, and a run with an id may be asked for again. */
  readonly signal?: AbortSignal;
}

/** A time, in ms since the epoch. Throws MisuseError. */
export const time: Reader<number> = (option, value) => {
  const at = value instanceof Date ? value.getTime() : value;
  if (typeof at === 'number' && Number.isFinite(at) && at > 0) return Math.ceil(at);
  throw new MisuseError(`${option} is a Date or a time in ms since 1970; got ${display(value)}.`);
};

export const START = {
  id: optional(requireId),
  key: optional(requireText),
  priority: withDefault(whole(0, 9), 0),
  delay: withDefault(duration(), 0),
  expires: optional(time),
};

export const RUN = { ...START, signal: optional(abortSignal) };

export type StartSettings = Settings<typeof START>;

export function termsOf({ key, priority, delay, expires = 0 }: StartSettings): StartTerms {
  return { keyed: key !== undefined, priority, delay, expires };
}
