/**
 * The options of a queue, checked, with their defaults.
 *
 * Guarantees: an option that cannot work is a MisuseError that names it.
 */
import type { ConnectionOptions } from 'node:tls';
import { type Clock, type Random, requireDuration, requireKnown } from '@holdfast/kernel';
import type { NodeSource, ReplicasOptions } from '@holdfast/redis';
import { type Backoff, DEFAULT_BACKOFF, requireBackoff } from './backoff.js';
import type { Schema } from './schema.js';
import { requireCount } from './task-options.js';

export interface QueueOptions<Input = unknown, Output = Input> {
  /** The Redis of the queue: a URL, or an ioredis or node-redis client of yours. */
  readonly redis: NodeSource;
  /** The queue's name, which opens its keys: no braces, no "@". "<queue>@<group>" is a group of a queue. */
  readonly name: string;
  /**
   * Names of groups: every task goes to each of them, and each has workers, attempts, dead letters and results of its
   * own, as `queue.group(name)` or the queue "<queue>@<group>". The most is 50. Default: none.
   */
  readonly groups?: readonly string[];
  /** What the data are: checked when a task is added, and again before it is handled. Default: anything that is JSON. */
  readonly schema?: Schema<Input, Output>;
  /** How often a task is tried. Default 3. */
  readonly attempts?: number;
  /** How long a task waits after a failed attempt. Default: exponential from 1 s to 1 h, half of it left to chance. */
  readonly backoff?: Backoff;
  /** The most tasks that may wait; an add to a full queue throws QueueFullError. Default: no limit. */
  readonly max?: number;
  /** The most tasks that may be handled at a time, by all workers together. Default: no limit. */
  readonly concurrency?: number;
  /** The most tasks that may begin within a time (in ms). Default: no limit. */
  readonly rate?: { readonly max: number; readonly per: number };
  /**
   * The most tasks of one key that may be handled at a time; with 1, the default, they go strictly in order. And the most
   * of them that may begin within a time (in ms). Default: no limit.
   */
  readonly keys?: {
    readonly concurrency?: number;
    readonly rate?: { readonly max: number; readonly per: number };
  };
  /**
   * How many results are kept, and for how many ms; default 10000, and a day. `dead`: the same of dead letters; default
   * 100000, and 90 days. The oldest are deleted, so handle dead letters before that.
   */
  readonly retain?: {
    readonly count?: number;
    readonly age?: number;
    readonly dead?: { readonly count?: number; readonly age?: number };
  };
  /** The most bytes that the data of a task, or its result, may have. Default 1000000. */
  readonly maxBytes?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly timeout?: number;
  /**
   * How many replicas must have a task before `add` resolves, and for how many ms it waits for them; an add of which too
   * few have it by then throws UnavailableError, and the task stays added. Default: none, and a timeout of 1000.
   */
  readonly replicas?: { readonly count: number; readonly timeout?: number };
  /** TLS settings for a `rediss://` URL. */
  readonly tls?: ConnectionOptions;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** The source of chance. Default: the system's. */
  readonly random?: Random;
}

export const QUEUE_OPTIONS: readonly (keyof QueueOptions)[] = [
  'redis',
  'name',
  'groups',
  'schema',
  'attempts',
  'backoff',
  'max',
  'concurrency',
  'rate',
  'keys',
  'retain',
  'maxBytes',
  'timeout',
  'replicas',
  'tls',
  'clock',
  'random',
];

/** How much is kept, and for how many ms. */
interface Retention {
  readonly count: number;
  readonly age: number;
}

/** What of its options concerns its tasks, with the defaults filled in. */
export interface QueueSettings {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly concurrency: number | undefined;
  readonly rate: { readonly max: number; readonly per: number } | undefined;
  readonly keys: {
    readonly concurrency: number;
    readonly rate: { readonly max: number; readonly per: number } | undefined;
  };
  readonly retain: Retention & { readonly dead: Retention };
  readonly maxBytes: number;
  readonly max: number | undefined;
}

export function replicasOf(replicas: QueueOptions['replicas']): ReplicasOptions | undefined {
  if (replicas === undefined) return undefined;
  requireKnown('replicas', replicas, ['count', 'timeout']);
  return {
    count: requireCount('replicas.count', replicas.count, { min: 1, max: 100 }),
    timeout: requireDuration('replicas.timeout', replicas.timeout ?? 1_000, { min: 1 }),
  };
}

/** Slots of each key, and its rate, as the scripts want them. */
export function limitsOfKeys({ keys: { concurrency, rate } }: QueueSettings): readonly string[] {
  return [concurrency, rate?.max, rate?.per].map((limit) => String(limit ?? ''));
}

function requireRate(option: string, rate: QueueOptions['rate']): QueueSettings['rate'] {
  if (rate === undefined) return undefined;
  requireKnown(option, rate, ['max', 'per']);
  requireCount(`${option}.max`, rate.max, { min: 1, max: 1e9 });
  requireDuration(`${option}.per`, rate.per, { min: 1 });
  return rate;
}

export function settingsOf(options: QueueOptions): QueueSettings {
  const { rate, keys = {}, retain = {}, concurrency } = options;
  requireKnown('keys', keys, ['concurrency', 'rate']);
  if (concurrency !== undefined) requireCount('concurrency', concurrency, { min: 1, max: 1e9 });
  requireKnown('retain', retain, ['count', 'age', 'dead']);
  const { dead = {} } = retain;
  requireKnown('retain.dead', dead, ['count', 'age']);
  return {
    attempts: requireCount('attempts', options.attempts ?? 3, { min: 1, max: 1_000_000 }),
    backoff: requireBackoff(options.backoff ?? DEFAULT_BACKOFF),
    concurrency,
    rate: requireRate('rate', rate),
    keys: {
      concurrency: requireCount('keys.concurrency', keys.concurrency ?? 1, { min: 1, max: 1e6 }),
      rate: requireRate('keys.rate', keys.rate),
    },
    retain: {
      count: requireCount('retain.count', retain.count ?? 10_000, { min: 0, max: 1e9 }),
      age: requireDuration('retain.age', retain.age ?? 86_400_000),
      dead: {
        count: requireCount('retain.dead.count', dead.count ?? 100_000, { min: 0, max: 1e9 }),
        age: requireDuration('retain.dead.age', dead.age ?? 90 * 86_400_000, { max: 10 * 365 * 86_400_000 }),
      },
    },
    maxBytes: requireCount('maxBytes', options.maxBytes ?? 1_000_000, { min: 1, max: 500_000_000 }),
    max: options.max === undefined ? undefined : requireCount('max', options.max, { min: 1, max: 1e9 }),
  };
}
