/**
 * The limits of a queue, as its clients declare them. They are kept with the queue, where they are obeyed: a client that
 * declares none leaves them, one that declares a higher version replaces them.
 *
 * Guarantees: two clients that declare different limits under one version are not both obeyed: the second is told.
 */
import { display, MisuseError, requireDuration, requireKnown } from '@holdfast/kernel';
import { requireCount } from './task-options.js';

/** So many within a time, in ms: in any span of that length, wherever it begins. */
export interface Rate {
  readonly max: number;
  readonly per: number;
}

export interface Limits {
  /**
   * Of these limits, from 1; default 1. A higher version replaces the limits that are kept, a lower one leaves them; the same version
   * with other values is a MisuseError. What a version does not name is not limited.
   */
  readonly version?: number;
  /** The most tasks that may wait, delayed ones too; an add to a full queue throws QueueFullError. Default: no limit. */
  readonly waiting?: number;
  /** The most tasks that may be handled at a time, by all workers together. Default: no limit. */
  readonly concurrency?: number;
  /** The most tasks that may begin within a time. Default: no limit. */
  readonly rate?: Rate;
  /**
   * The most tasks of one key that may be handled at a time; with 1, the default, they go strictly in order. And the most
   * of them that may begin within a time. Default: no limit.
   */
  readonly keys?: { readonly concurrency?: number; readonly rate?: Rate };
}

/** As the scripts take them. */
export interface DeclaredLimits {
  readonly waiting: number | undefined;
  /** ARGV of enter.lua. */
  readonly args: readonly string[];
}

const NONE: DeclaredLimits = { waiting: undefined, args: Array(9).fill('') };

/** Throws MisuseError for limits that cannot be kept. */
export function declareLimits(limits: Limits | undefined): DeclaredLimits {
  if (limits === undefined) return NONE;
  if (typeof limits !== 'object' || limits === null) {
    throw new MisuseError(
      `limits is an object, such as { version: 1, waiting: 1000 }; got ${display(limits)}.`,
    );
  }
  requireKnown('limits', limits, ['version', 'waiting', 'concurrency', 'rate', 'keys']);
  const { waiting, concurrency, rate, keys = {} } = limits;
  requireKnown('limits.keys', keys, ['concurrency', 'rate']);
  const version = requireCount('limits.version', limits.version ?? 1, { min: 1, max: 1e9 });
  if (waiting !== undefined) requireCount('limits.waiting', waiting, { min: 1, max: 1e9 });
  if (concurrency !== undefined) requireCount('limits.concurrency', concurrency, { min: 1, max: 1e9 });
  const { concurrency: slots = 1 } = keys;
  requireCount('limits.keys.concurrency', slots, { min: 1, max: 1e6 });
  const [ofQueue, ofKeys] = [requireRate('limits.rate', rate), requireRate('limits.keys.rate', keys.rate)];
  const ofEachKey = { ...(slots !== 1 && { concurrency: slots }), ...(ofKeys && { rate: ofKeys }) };
  // Read by people, and compared: the same limits are the same text. The version stands first, where the script reads it.
  const text = JSON.stringify({
    version,
    waiting,
    concurrency,
    rate: ofQueue,
    ...(Object.keys(ofEachKey).length > 0 && { keys: ofEachKey }),
  });
  const values = [waiting, concurrency, rate?.max, rate?.per, slots, keys.rate?.max, keys.rate?.per];
  return { waiting, args: [String(version), text, ...values.map((value) => String(value ?? ''))] };
}

/** The limits that are kept have the version of those that this client declares, and are others. */
export function differentLimits(queue: string, { args }: DeclaredLimits, kept: string): MisuseError {
  return new MisuseError(
    `The queue "${queue}" has the limits ${kept}; this client declares others under the same version: ${args[1]}. Declare the same everywhere, or give the new ones a higher version.`,
  );
}

function requireRate(option: string, rate: Rate | undefined): Rate | undefined {
  if (rate === undefined) return undefined;
  requireKnown(option, rate, ['max', 'per']);
  const max = requireCount(`${option}.max`, rate.max, { min: 1, max: 1e9 });
  return { max, per: requireDuration(`${option}.per`, rate.per, { min: 1 }) };
}
