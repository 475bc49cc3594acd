/**
 * The partitions of an app in Redis: a store each, every one with a hash tag of its own, and so on one shard of a Cluster.
 *
 * Guarantees: no call is made before it is known that the app has as many partitions as this program says; a program that
 * says otherwise gets a MisuseError from each of its calls, because it would look for runs where they are not.
 */
import { MisuseError } from '@holdfast/kernel';
import { RedisStore, type RedisStoreOptions } from './redis-store.js';

export interface PartitionsOptions extends Omit<RedisStoreOptions, 'partition' | 'agreement'> {
  readonly partitions: number;
}

/** Connects nothing. */
export function redisStores({ partitions, ...options }: PartitionsOptions): readonly RedisStore[] {
  const agreement: Agreement = new Agreement(options.app, partitions, () => stores[0] as RedisStore);
  const stores: readonly RedisStore[] = Array.from(
    { length: partitions },
    (_, partition) => new RedisStore({ ...options, partition, agreement }),
  );
  return stores;
}

/** On how many partitions an app has: asked once, and again only if that has failed. */
export class Agreement {
  isReached = false;
  readonly #app: string;
  readonly #partitions: number;
  readonly #first: () => RedisStore;
  #asking: Promise<void> | undefined;

  constructor(app: string, partitions: number, first: () => RedisStore) {
    this.#app = app;
    this.#partitions = partitions;
    this.#first = first;
  }

  /** Throws MisuseError, UnavailableError. */
  reach(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const known = await this.#first().agree(this.#partitions);
    if (known !== this.#partitions) {
      throw new MisuseError(
        `The workflow app "${this.#app}" has ${known} partitions, and this program says ${this.#partitions}; nothing was done. Give partitions: ${known} to createWorkflows(), or another name for another app.`,
      );
    }
    this.isReached = true;
  }
}
