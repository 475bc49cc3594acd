/** What the tests of the index in Redis share: a server, and what is closed with the test. */
import type { TokenHolder } from '@holdfast/kernel';
import { systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { Follower } from '../src/follow/follower.js';
import { GenerationIndex } from '../src/follow/generation-index.js';
import { Truth } from '../src/truth/truth.js';
import { createIndex, type VectorIndex } from '../src/vector-index.js';
import type { VectorIndexOptions } from '../src/vector-index-options.js';

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

/** Closed with the test, before all that was there. */
export const later = (close: () => unknown): void => void open.push(close);

export const url = (): string => nodes.urls[0] ?? '';
export const node = () => [...nodes][0] as NonNullable<LocalNodes['nodes'][0]>;
export const client = (): Redis => redis;

/** An index as one server of the application has it. */
export function server(options: Partial<VectorIndexOptions> = {}): VectorIndex {
  const index = createIndex({ redis: url(), name: 'kb', vectors: { dimensions: 3 }, ...options });
  open.push(() => index.close());
  return index;
}

/** A follower by itself, which reads only when it is told to. */
export function follower(tombstones = 86_400_000): { truth: Truth; follower: Follower } {
  const truth = new Truth({
    ...{ redis: url(), tls: undefined, name: 'kb', prefix: '', callTimeout: 5_000, clock: systemClock },
    ...{ tombstones, ahead: 300_000 },
  });
  const made = new Follower({
    ...{ truth, clock: systemClock, schema: {}, tombstones },
    model: { name: 'default', definition: JSON.stringify({ dimensions: 3, metric: 'cosine' }) },
    indexOf: (generation) => new GenerationIndex(generation, 'default', { '': { dimensions: 3 } }),
    keywords: undefined,
    terms: undefined,
  });
  open.push(() => truth.close());
  open.push(() => made.close());
  return { truth, follower: made };
}

export const holderOf = (token: number, issuer = 'locks'): TokenHolder => ({
  ...{ token, resource: 'kb', issuer, signal: new AbortController().signal },
});

/** An id of each hit, in order. */
export const idsOf = ({ hits }: { hits: readonly { id: string }[] }): string[] => hits.map(({ id }) => id);
