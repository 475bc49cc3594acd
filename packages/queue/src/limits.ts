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
  duration,
  group,
  groupOrDefaults,
  type MisuseError,
  optional,
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
  /**
   * Lets no task begin for a while after many attempts have failed, and then one, whose end decides: if it completes, all
   * may begin again, and if it fails, none for as long again. Failures with NonRetryableError do not count, as they are the
   * task's own; nor does what was deferred, handed back, cancelled, given up unhandled, or lost with its worker. Default:
   * none.
   */
  readonly breaker?: Breaker;
  /**
   * The most results that are kept, up to a hundred more, and for how many ms; default 10000, and a day. Cancelled tasks
   * are kept the same. `dead`: the same for dead letters; default 100000, and 90 days. `events`: about how many other
   * events are kept, of moves and of notices each; default 1000. The oldest are deleted while tasks end, or with the
   * renewals of a worker's session; a task may say otherwise of itself.
   */
  readonly retain?: Retention & { readonly events?: number; readonly dead?: Retention };
}

/** A circuit breaker: see the README. */
export interface Breaker {
  /** It opens when so many attempts have failed... */
  readonly failures: number;
  /** ...within so many ms, by the server's clock; one counts for up to a hundredth longer. */
  readonly within: number;
  /** For how many ms no task begins then, before one is tried. */
  readonly pause: number;
}

interface Retention {
  readonly count?: number;
  /** In ms. */
  readonly age?: number;
}

/** For how many ms something is kept. */
export const readAge = optional(duration({ max: 10 * 365 * 86_400_000 }));

const readCount = optional(whole(0, 1e9));

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
  breaker: optional(
    group({
      failures: whole(1, 1e6),
      within: duration({ min: 1, max: 86_400_000 }),
      pause: duration({ min: 1, max: 86_400_000 }),
    } satisfies Readers<Breaker>),
  ),
  retain: groupOrDefaults({
    count: readCount,
    age: readAge,
    events: readCount,
    dead: groupOrDefaults({ count: readCount, age: readAge } satisfies Readers<Retention>),
  } satisfies Readers<NonNullable<Limits['retain']>>),
} satisfies Readers<Limits>;

export const readLimits = group(LIMITS);

const NONE: DeclaredLimits = { waiting: undefined, args: Array(15).fill('') };

type LimitSettings = Settings<typeof LIMITS>;

/**
 * The share of a partition in the limits of the queue. Throws MisuseError for limits that leave a partition without
 * any.
 */
export function shareOfQueue(
  limits: LimitSettings,
  partition: { readonly index: number; readonly partitions: number },
): LimitSettings {
  const share = shareOf(limits, partition, 'queue', 'Use fewer partitions, or createQueue');
  const part = (count: number | undefined): number | undefined =>
    count === undefined ? undefined : Math.ceil(count / partition.partitions);
  const { dead, ...retain } = share.retain;
  const { breaker } = share;
  return {
    ...share,
    breaker: breaker && { ...breaker, failures: Math.ceil(breaker.failures / partition.partitions) },
    retain: {
      ...retain,
      count: part(retain.count),
      events: part(retain.events),
      dead: { ...dead, count: part(dead.count) },
    },
  };
}

export function declareLimits(limits: LimitSettings | undefined): DeclaredLimits {
  if (limits === undefined) return NONE;
  const { version, waiting, concurrency, rate, keys, breaker, retain } = limits;
  const ofEachKey = {
    ...(keys.concurrency !== 1 && { concurrency: keys.concurrency }),
    ...(keys.rate && { rate: keys.rate }),
  };
  // Read by people, and compared: the same limits are the same text. The version stands first, where the script reads
  // it.
  const text = JSON.stringify({
    ...{ version, waiting, concurrency, rate },
    ...(Object.keys(ofEachKey).length > 0 && { keys: ofEachKey }),
    ...(breaker && { breaker }),
    ...named({ retain: named({ ...retain, dead: named(retain.dead) }) }),
  });
  const ofKeys = [keys.concurrency, keys.rate?.max, keys.rate?.per];
  const kept = [retain.count, retain.age, retain.dead.count, retain.dead.age, retain.events];
  const kind = breaker && [breaker.failures, breaker.within, breaker.pause].map(Math.ceil).join(' ');
  const values = [waiting, concurrency, rate?.max, rate?.per, ...ofKeys, ...kept, kind];
  return { waiting, args: [String(version), text, ...values.map((value) => String(value ?? ''))] };
}

/** Those parts of something that are given; undefined if none are. */
function named(parts: object | undefined): object | undefined {
  const given = Object.entries(parts ?? {}).filter(([, value]) => value !== undefined);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

/** The error if the limits that are kept have the same version as those that this client declares, but differ. */
export const differentFrom = (queue: string, { args }: DeclaredLimits, kept: string): MisuseError =>
  differentLimits(`The queue "${queue}"`, { kept, declared: args[1] ?? '' });
