/**
 * What a worker may be told.
 */
import { callback, duration, optional, type Settings, whole, withDefault } from '@holdfast/kernel';

export interface WorkerOptions {
  /** The most runs at a time, from 1 to 10,000. A run that only waits does not count: it is parked. Default 100. */
  readonly concurrency?: number;
  /** After how long without a sign of life its runs go on elsewhere, in ms, from 200. Default 5000. */
  readonly lease?: number;
  /** How long `stop` waits for runs to end or to park, in ms. Default 10000. */
  readonly grace?: number;
  /** Told of what nobody waits for. Default: a warning of the process. */
  readonly onError?: (error: unknown) => unknown;
}

export const WORKER = {
  concurrency: withDefault(whole(1, 10_000), 100),
  lease: withDefault(duration({ min: 200, max: 86_400_000 }), 5_000),
  grace: withDefault(duration(), 10_000),
  onError: optional(callback<(error: unknown) => unknown>()),
};

export type WorkerSettings = Settings<typeof WORKER>;
