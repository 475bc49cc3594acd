/**
 * The limits of a queue, as its clients declare them. They are kept with the queue, where they are obeyed: a client
 * that declares none leaves them as they are, one that declares a higher version replaces them.
 *
 * Guarantees: two clients that declare different limits under one version are not both obeyed: the second gets an
 * error.
 */
import {
  COMMON_LIMITS,
  differentLimits,
  group,
  groupOrDefaults,
  type MisuseError,
  type Rate,
  type Readers,
  readRate,
  type Settings,
  shareOf,
  whole,
  withDefault,
} from '@holdfast/kernel';

export type { Rate } from '@holdfast/kernel';

export interface Limits {
  /**
   * The version of these limits, from 1; default 1. A higher version replaces the limits that are kept, a lower one
   * leaves them; the same version with other values is a MisuseError. Anything that a version does not name is not
   * limited.
   */
  readonly version?: number;
  /**
   * The most tasks that may wait, including delayed ones; an add to a full queue throws QueueFullError. Default: no
   * limit.
   */
  readonly waiting?: number;
  /** The most tasks that may be handled at a time, by all workers together. Default: no limit. */
  readonly concurrency?: number;
  /** The most tasks that may begin within a time. Default: no limit. */
  readonly rate?: Rate;
  /**
   * For the tasks of each key. `concurrency`: the most that may be handled at a time; with 1, the default, they are
   * handled strictly in order. `rate`: the most that may begin within a time; default: no limit.
   */
  readonly keys?: { readonly concurrency?: number; readonly rate?: Rate };
}

/** Limits as the scripts take them. */
export interface DeclaredLimits {
  readonly waiting: number | undefined;
  /** ARGV of enter.lua. */
  readonly args: readonly string[];
}

export const LIMITS = {
  ...COMMON_LIMITS,
  keys: groupOrDefaults({
    concurrency: withDefault(whole(1, 1e6), 1),
    rate: readRate,
  } satisfies Readers<NonNullable<Limits['keys']>>),
} satisfies Readers<Limits>;

export const readLimits = group(LIMITS);

const NONE: DeclaredLimits = { waiting: undefined, args: Array(9).fill('') };

type LimitSettings = Settings<typeof LIMITS>;

/**
 * The share of a partition in the limits of the queue. Throws MisuseError for limits that leave a partition without
 * any.
 */
export const shareOfQueue = (
  limits: LimitSettings,
  partition: { readonly index: number; readonly partitions: number },
): LimitSettings => shareOf(limits, partition, 'queue', 'Use fewer partitions, or createQueue');

export function declareLimits(limits: LimitSettings | undefined): DeclaredLimits {
  if (limits === undefined) return NONE;
  const { version, waiting, concurrency, rate, keys } = limits;
  const ofEachKey = {
    ...(keys.concurrency !== 1 && { concurrency: keys.concurrency }),
    ...(keys.rate && { rate: keys.rate }),
  };
  // Read by people, and compared: the same limits are the same text. The version stands first, where the script reads
  // it.
  const text = JSON.stringify({
    ...{ version, waiting, concurrency, rate },
    ...(Object.keys(ofEachKey).length > 0 && { keys: ofEachKey }),
  });
  const ofKeys = [keys.concurrency, keys.rate?.max, keys.rate?.per];
  const values = [waiting, concurrency, rate?.max, rate?.per, ...ofKeys];
  return { waiting, args: [String(version), text, ...values.map((value) => String(value ?? ''))] };
}

/** The error if the limits that are kept have the same version as those that this client declares, but differ. */
export const differentFrom = (queue: string, { args }: DeclaredLimits, kept: string): MisuseError =>
  differentLimits(`The queue "${queue}"`, { kept, declared: args[1] ?? '' });
