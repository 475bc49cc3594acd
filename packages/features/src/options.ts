/**
 * The options of a feature store that do not concern its connection, checked, with their defaults.
 *
 * Guarantees: an option that cannot work is a MisuseError that names it.
 */
import {
  duration,
  fitting,
  type Reader,
  type Readers,
  requirePrefix,
  type Settings,
  whole,
  withDefault,
} from '@holdfast/kernel';

export interface StoreOptions {
  /** The name of the store: 1 to 64 letters, digits, "_" and "-". */
  readonly name: string;
  /** Begins every key, so that environments can share a Redis; up to 64 of A-Z a-z 0-9 _ . : / -. Default none. */
  readonly prefix?: string;
  /**
   * Over how many partitions the entities are spread, 1 to 1024; it cannot be changed later. Default 16; take 64 for a
   * Cluster.
   */
  readonly partitions?: number;
  /** How far in the future, by Redis's clock, the time of a row may be, in ms. Default 300000. */
  readonly ahead?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
}

/** A name of a store, a view, an entity, a service or a lane. */
export const readName: Reader<string> = fitting(
  'a name of 1 to 64 letters, digits, "_" and "-"',
  (value) => typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value),
);

export const STORE = {
  name: readName,
  prefix: (option, prefix = '') => requirePrefix(option, prefix),
  partitions: withDefault(whole(1, 1024), 16),
  ahead: withDefault(duration(), 300_000),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
} satisfies Readers<StoreOptions>;

export type StoreSettings = Settings<typeof STORE>;
