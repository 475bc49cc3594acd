/** What the tests of the feature store share: a server, and what is closed with the test. */
import { systemClock, systemRandom } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { Catalog } from '../src/store/catalog.js';
import { Partition, type StorePlace } from '../src/store/partition.js';

/** Closed in reverse order. */
const open: (() => unknown)[] = [];
let nodes: LocalNodes;
let redis: Redis;

/** Call it in a test file: a server for all tests of the file, empty before each. */
export function useRedis(): void {
  beforeAll(async () => {
    nodes = await startNodes(1);
    redis = new Redis(url(), { retryStrategy: () => 20 });
    redis.on('error', () => {}); // nodes are killed on purpose
  });
  beforeEach(async () => {
    await redis.flushall();
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    redis.disconnect();
    await nodes.stop();
  });
}

export const url = (): string => nodes.urls[0] ?? '';
export const node = () => [...nodes][0] as NonNullable<LocalNodes['nodes'][0]>;
export const client = (): Redis => redis;

export function later(close: () => unknown): void {
  open.push(close);
}

export const placeOf = (options: Partial<StorePlace> = {}): StorePlace => ({
  ...{ redis: url(), tls: undefined, name: 'shop', prefix: '', callTimeout: 5_000 },
  ...{ clock: systemClock, random: systemRandom },
  ...options,
});

/** Partitions of a store and its catalog, as the store has them. */
export function openParts(count = 2): {
  readonly partitions: readonly Partition[];
  readonly catalog: Catalog;
} {
  const place = placeOf();
  const partitions = Array.from({ length: count }, (_, number) => new Partition(place, number));
  const catalog = new Catalog(place, partitions);
  for (const each of [catalog, ...partitions]) open.push(() => each.close());
  return { partitions, catalog };
}
