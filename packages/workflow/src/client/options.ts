/**
 * What `createWorkflows` and its calls take.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  type Codec,
  callback,
  display,
  duration,
  group,
  having,
  MisuseError,
  optional,
  orSystemClock,
  orSystemRandom,
  passedOn,
  type Random,
  type Reader,
  type Readers,
  requirePrefix,
  type Settings,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { RETAIN, type Workflow } from '../define.js';
import { name } from '../run-name.js';
import type { Archive } from '../worker/archiver.js';

// biome-ignore lint/suspicious/noExplicitAny: workflows of every kind; each call ties its input and result to its own.
export type AnyWorkflow = Workflow<any, any>;

export interface WorkflowsOptions {
  /** A URL (`redis://`, `rediss://`, `unix:`, `redis-sentinel://`, `redis-cluster://`), or an ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** For `rediss://` URLs. */
  readonly tls?: ConnectionOptions;
  /** What may be started and run. Names are unique. */
  readonly workflows: readonly AnyWorkflow[];
  /** The app, which has its runs to itself: 1 to 64 letters, digits, "_" and "-". Default "app". */
  readonly name?: string;
  /** Begins all keys, so that environments can share a Redis: up to 64 letters, digits and "_.:/-". Default: none. */
  readonly prefix?: string;
  /**
   * On how many places the runs are spread, from 1 to 256: each is on one shard of a Cluster, where 16 and more are of use.
   * It is fixed when the app is first used; a program that says otherwise gets MisuseErrors. Default 1.
   */
  readonly partitions?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  /**
   * On how many replicas what a caller is told of is to be, and for how many ms they are waited for: a start and a message that
   * were accepted, the end of a run, and the beginning of a body of `ctx.once`; tokens stay below a ceiling that they know. If
   * too few have it in time, calls throw UnavailableErrors, and workers wait, and say so in their `problem`. The same for all
   * programs of an app. Default: none, and 1000 ms.
   */
  readonly replicas?: { readonly count: number; readonly callTimeout?: number };
  /** For how long a run is kept that is over, in ms, at least 600000 (10 minutes). Default 604800000 (7 days). */
  readonly retain?: number;
  /**
   * Through which inputs, results, errors, messages, checkpoints, states and chunks are kept: compression, encryption, keys
   * that change. A call that lasts for 10 s has failed, with a CodecError. Default: they are kept as JSON.
   */
  readonly codec?: Codec;
  /**
   * Called by a worker with each run that is over once its `retain` has passed; when it resolves, the run goes. At least once
   * for a run, under a token above all that its steps had; when it rejects, again after 5 minutes. A run that it does not
   * take goes 30 days later. Default: runs go.
   */
  readonly archive?: Archive;
  readonly clock?: Clock;
  readonly random?: Random;
}

const OPERATED = {
  name: withDefault(name, 'app'),
  retain: withDefault(RETAIN, 604_800_000),
  clock: orSystemClock,
  random: orSystemRandom,
};

/** What an app needs besides its Redis. */
export const APP = {
  ...OPERATED,
  archive: optional(callback<Archive>()),
  workflows: ((option, value) => {
    if (!Array.isArray(value) || value.length === 0) {
      throw new MisuseError(
        `${option} is an array of workflows, as defineWorkflow makes them; got ${display(value)}.`,
      );
    }
    const names = value.map((each: Partial<Workflow> | null) => {
      if (typeof each?.run === 'function') return name(`${option}.name`, each.name);
      throw new MisuseError(`${option} has what defineWorkflow makes; got ${display(each)}.`);
    });
    const twice = names.find((each, index) => names.indexOf(each) !== index);
    if (twice === undefined) return value as readonly AnyWorkflow[];
    throw new MisuseError(`${option} has two workflows with the name "${twice}"; rename one.`);
  }) as Reader<readonly AnyWorkflow[]>,
};

/** What `openWorkflows` takes. */
export const OPEN = {
  ...OPERATED,
  redis: passedOn<NodeSource>(),
  tls: optional(passedOn<ConnectionOptions>()),
  prefix: withDefault(requirePrefix, ''),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  replicas: optional(
    group({
      count: whole(1, 100),
      callTimeout: withDefault(duration({ min: 1 }), 1_000),
    } satisfies Readers<NonNullable<WorkflowsOptions['replicas']>>),
  ),
  codec: optional(having<Codec>('encode', 'decode')),
};

export const WORKFLOWS = {
  ...OPEN,
  ...APP,
  partitions: withDefault(whole(1, 256), 1),
};

export type AppSettings = Settings<typeof APP>;
