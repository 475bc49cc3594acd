/**
 * What the functions of this entry need of a store that a program hands to them. A store registers its parts, so that they are
 * no part of what it offers.
 */
import { type Clock, display, MisuseError } from '@holdfast/kernel';
import type { Catalog } from '../store/catalog.js';
import type { Definitions } from '../store/definitions.js';
import { inventoryOf, partitionsFor } from '../store/erase.js';
import type { Erasure } from '../store/erasures.js';
import type { Partition } from '../store/partition.js';
import type { Telemetry } from '../telemetry.js';
import type { StoreIdentity } from './manifest.js';

export interface StoreParts {
  readonly name: string;
  readonly prefix: string;
  readonly catalog: Catalog;
  readonly partitions: readonly Partition[];
  readonly definitions: Definitions;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** Throws UnavailableError; MisuseError if nothing was ever applied. */
export async function identityOf({ name, prefix, partitions, catalog }: StoreParts): Promise<StoreIdentity> {
  return { id: await catalog.identity(), store: name, prefix, partitions: partitions.length };
}

/** What was erased or restored of what can be in a partition. Throws UnavailableError. */
export async function erasuresIn(
  { catalog, partitions }: StoreParts,
  partition: number,
): Promise<readonly Erasure[]> {
  const erasures = await catalog.erasures();
  if (erasures.length === 0) return [];
  const views = await inventoryOf(catalog);
  return erasures.filter(({ name }) => partitionsFor(name, views, partitions.length).includes(partition));
}

const stores = new WeakMap<object, StoreParts>();

export function registerParts(store: object, parts: StoreParts): void {
  stores.set(store, parts);
}

/** Throws MisuseError for what is no store. */
export function partsOf(store: object): StoreParts {
  const parts = stores.get(Object(store));
  if (parts !== undefined) return parts;
  throw new MisuseError(
    `\`store\` is a feature store, as createFeatures() returns it; got ${display(store)}.`,
  );
}
