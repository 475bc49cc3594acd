/**
 * The partitions of an app in Redis: a store each, every one with a hash tag of its own, and so on one shard of a Cluster.
 *
 * Guarantees: no call is made before it is known that the app has as many partitions as this program says; a program that
 * says otherwise gets a MisuseError from each of its calls, because it would look for runs where they are not.
 */
import { Agreement } from './agreement.js';
import { RedisStore, type RedisStoreOptions } from './redis-store.js';

/** Where an app is. */
export type AppPlace = Omit<RedisStoreOptions, 'partition' | 'agreement'>;

export interface PartitionsOptions extends AppPlace {
  readonly partitions: number;
}

/** Connects nothing. */
export function redisStores({ partitions, ...options }: PartitionsOptions): readonly RedisStore[] {
  const agree = (): Promise<number> => (stores[0] as RedisStore).agree(partitions);
  const agreement: Agreement = new Agreement(options.app, partitions, agree);
  const stores: readonly RedisStore[] = Array.from(
    { length: partitions },
    (_, partition) => new RedisStore({ ...options, partition, agreement }),
  );
  return stores;
}
