/**
 * The options of a queue, checked, with their defaults.
 *
 * Guarantees: an option that cannot work is a MisuseError that names it.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type Backoff,
  type Clock,
  type Codec,
  duration,
  fitting,
  group,
  groupOrDefaults,
  having,
  oneOf,
  optional,
  orSystemClock,
  orSystemRandom,
  type Random,
  type Readers,
  readSchema,
  type Schema,
  type Settings,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { requireKeyName, requireQueueName } from './keys.js';
import { type DeclaredLimits, declareLimits, type Limits, readLimits } from './limits.js';
import { PLACE } from './registry.js';
import { type KeptOptions, TASK } from './task-options.js';

export interface QueueOptions<Input = unknown, Output = Input> {
  /** The Redis of the queue: a URL, or your own ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** The queue's name: 1 to 64 letters, digits, "_" and "-"; or "<queue>@<group>", which is a group of a queue. */
  readonly name: string;
  /** Begins every key, so that environments can share a Redis; up to 64 of A-Z a-z 0-9 _ . : / -. Default none. */
  readonly prefix?: string;
  /**
   * The names of groups: every task goes to each of them, and each has workers, attempts, dead letters and results of
   * its own, as `queue.group(name)` or the queue "<queue>@<group>". At most 50. Default: none.
   */
  readonly groups?: readonly string[];
  /** The schema of the data, checked when a task is added, and again before it is handled. Default: any JSON. */
  readonly schema?: Schema<Input, Output>;
  /** How often a task that is added here is tried, whichever worker handles it. Default 3. */
  readonly attempts?: number;
  /**
   * How long a task that is added here waits after a failed attempt. Default: exponential from 1 s to 1 h, half of it
   * random.
   */
  readonly backoff?: Backoff;
  /** How long the handler of a task that is added here may take, in ms, as in the options of `add`. Default: no limit. */
  readonly timeout?: number;
  /**
   * Limits, which are kept with the queue and obeyed by all its workers, and how much is kept of tasks that have ended.
   * Default: those that are kept, or else none.
   */
  readonly limits?: Limits;
  /**
   * What stands between the payloads of tasks and Redis, such as compression or encryption: of data, results, progress, logs and
   * errors. All programs that use the queue give it, and each can decode what any of them encodes; a key is changed in steps
   * (README). What was kept before the queue had one is read as it is. A call that lasts for 10 s has failed, with a CodecError.
   * Default: they are kept as JSON.
   */
  readonly codec?: Codec;
  /** The most bytes that the data of a task, or its result, may have, as they are kept: when encoded. Default 1000000. */
  readonly maxBytes?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  /**
   * How many replicas must have a task before `add` resolves, and how many ms it waits for them; if too few have the
   * task by then, `add` throws UnavailableError, and the task stays added. Default: none, and 1000 ms.
   */
  readonly replicas?: { readonly count: number; readonly callTimeout?: number };
  /**
   * For how long `add` waits, in ms, while Redis is away, and repeats its call, instead of failing at once; with the last
   * call it may take `callTimeout` longer. The task is added once: it gets an id and a deduplication key, which cost a
   * record. Tasks that are added meanwhile need not arrive in their order. Default: an add fails at once.
   */
  readonly retry?: { readonly within: number };
  /**
   * How the tokens of holders are judged under which tasks are added, as a guard for Redis does: `window` in ms, how far a
   * token may be from a clock, no less than that of the locks; `persistence` "synchronous" if a restart of the server
   * loses nothing, because it runs with `appendfsync always` and no replica takes its place. Default: 5000, "none".
   */
  readonly guard?: { readonly window?: number; readonly persistence?: 'none' | 'synchronous' };
  /** TLS settings for a `rediss://` URL. */
  readonly tls?: ConnectionOptions;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** The source of randomness. Default: the system's. */
  readonly random?: Random;
}

/** How adds are repeated. */
export interface Retry {
  /** In ms. */
  readonly within: number;
}

/** The options of a queue that concern its tasks, with the defaults filled in. */
export interface QueueSettings {
  /** The options that are kept with each task, unless its `add` says otherwise. */
  readonly kept: KeptOptions;
  readonly limits: DeclaredLimits;
  readonly maxBytes: number;
  readonly retry: Retry | undefined;
}

const groupNames = fitting<readonly string[]>(
  'a list of at most 50 names, each once',
  (names) => Array.isArray(names) && names.length <= 50 && new Set(names).size === names.length,
);

export const QUEUE = {
  ...PLACE,
  name: (_, name) => requireQueueName(name),
  groups: (option, names = []) => groupNames(option, names).map((name) => requireKeyName(option, name)),
  schema: optional(readSchema),
  attempts: TASK.attempts,
  backoff: TASK.backoff,
  timeout: TASK.timeout,
  limits: optional(readLimits),
  codec: optional(having<Codec>('encode', 'decode')),
  maxBytes: withDefault(whole(1, 500_000_000), 1_000_000),
  replicas: optional(
    group({
      count: whole(1, 100),
      callTimeout: withDefault(duration({ min: 1 }), 1_000),
    } satisfies Readers<NonNullable<QueueOptions['replicas']>>),
  ),
  retry: optional(
    group({ within: duration({ min: 1, max: 3_600_000 }) } satisfies Readers<
      NonNullable<QueueOptions['retry']>
    >),
  ),
  guard: groupOrDefaults({
    window: withDefault(duration({ min: 1, max: 3_600_000 }), 5_000),
    persistence: withDefault(oneOf('none', 'synchronous'), 'none'),
  } satisfies Readers<NonNullable<QueueOptions['guard']>>),
  clock: orSystemClock,
  random: orSystemRandom,
} satisfies Readers<QueueOptions>;

/** The options, checked and with their defaults. */
export type ReadOptions = Settings<typeof QUEUE>;

export function settingsOf(options: ReadOptions): QueueSettings {
  const { attempts, backoff, timeout, limits, maxBytes, retry, codec } = options;
  return {
    kept: {
      ...(attempts !== undefined && { a: attempts }),
      ...(backoff !== undefined && { q: backoff }),
      ...(timeout !== undefined && { h: timeout }),
      ...(codec !== undefined && { c: 1 as const }),
    },
    limits: declareLimits(limits),
    ...{ maxBytes, retry },
  };
}
