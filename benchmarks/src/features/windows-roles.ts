/**
 * Counting events of users in tiles of five minutes, in four ways: by windows, with history and without, and by HINCRBY, for
 * each event and for sums of a batch.
 *
 * Guarantees: the events are the same for all, and making them is part of the time. Each is counted, which is checked of
 * windows by their own statistics.
 */
import { createFeatures, entity, type Source, type SourceBatch, windows } from '@holdfast/features';
import { Redis } from 'ioredis';
import { inParallel, usage } from './stand.js';

export const COUNTING = ['windows', 'windows, logged', 'HINCRBY', 'HINCRBY of sums'] as const;

const MINUTE = 60_000;
export const TILE = 5 * MINUTE;
export const TILES = 24;
const BATCH = 10_000;
const PIPELINE = 256;

interface Event {
  readonly user: string;
  readonly price: number;
  readonly at: number;
}

/** One function for all features, so that a tile keeps one series of numbers. */
const price = (event: Event): number => event.price;

/** Says that everything fits: what a schema costs is not measured here. */
const EVENT = {
  '~standard': { version: 1, vendor: 'bench', validate: (value: unknown) => ({ value: value as Event }) },
} as const;

export const windowsOf = (name: string, history: boolean) =>
  windows(name, {
    entity: entity('user'),
    tile: TILE,
    history,
    event: EVENT,
    key: (event) => event.user,
    time: (event) => event.at,
    fields: (on) => ({
      count: on.count({ over: TILES * TILE }),
      sum: on.sum(price, { over: TILES * TILE }),
      min: on.min(price, { over: TILES * TILE }),
      max: on.max(price, { over: TILES * TILE }),
    }),
  });

export interface Counting {
  readonly events: number;
  readonly users: number;
}

export interface Counted {
  /** In ms. */
  readonly took: number;
  /** CPU time of this process, in microseconds. */
  readonly cpu: number;
  /** Peak memory of this process so far, in MB. */
  readonly peak: number;
}

/** Over two hours up to now, in order, of users in a mixed order. */
function* eventsOf({ events, users }: Counting): Generator<Event> {
  const from = Date.now() - (TILES - 1) * TILE;
  const step = ((TILES - 1) * TILE) / events;
  for (let n = 0; n < events; n += 1)
    yield {
      user: `u${(Math.imul(n, 0x9e3779b1) >>> 0) % users}`,
      price: n % 97,
      at: Math.floor(from + n * step),
    };
}

function* batchesOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The events as one source partition, behind what was read before. */
function sourceOf(counting: Counting, after: number): Source {
  const last = after + counting.events;
  return {
    name: 'events',
    partitions: [0],
    nameOf: () => 'events',
    extent: async () => ({ lostThrough: undefined, last: [last, 0] }),
    async *read(): AsyncGenerator<SourceBatch> {
      let n = after;
      for (const events of batchesOf(eventsOf(counting), BATCH)) {
        const records = events.map((value, at) => ({ offset: [n + at + 1, 0] as const, value }));
        n += events.length;
        yield { records, through: [n, 0] };
      }
    },
  };
}

/** Arguments: the contestant, and the URL of Redis. A request is a `Counting`; the answer a `Counted`. */
export async function counting(contestant = '', url = '') {
  const work = await (contestant.startsWith('windows')
    ? byWindows(contestant, url)
    : byHash(contestant, url));
  return async (request: Counting): Promise<Counted> => {
    const [began, before] = [performance.now(), usage()];
    await work(request);
    const after = usage();
    return { took: performance.now() - began, cpu: after.cpu - before.cpu, peak: after.peak };
  };
}

async function byWindows(contestant: string, url: string) {
  const isLogged = contestant.endsWith('logged');
  const view = windowsOf(isLogged ? 'logged' : 'plain', isLogged);
  const store = createFeatures({ redis: url, name: 'bench', views: [view] });
  await store.apply();
  const holder = { token: 1, resource: 'bench', issuer: 'bench' };
  const lane = await store.open(view, { lane: 'stream', holder });
  let after = 0;
  return async (request: Counting): Promise<void> => {
    await lane.follow(sourceOf(request, after), (event) => event).done();
    after += request.events;
    const { late, refused } = lane.stats();
    if (late + refused > 0) throw new Error(`${late} sums were late, ${refused} refused.`);
  };
}

async function byHash(contestant: string, url: string) {
  const redis = new Redis(url);
  await redis.ping();
  const isSummed = contestant.endsWith('sums');
  return async (request: Counting): Promise<void> => {
    const calls = isSummed ? sumsOf(request) : eachOf(request);
    const pipelines = batchesOf(calls, PIPELINE);
    // One generator for all sixteen: what is under way at a time is bounded.
    await inParallel(16, 16, async () => {
      for (let next = pipelines.next(); !next.done; next = pipelines.next()) {
        const pipeline = redis.pipeline();
        for (const { user, tile, count, sum } of next.value) {
          pipeline.hincrby(`hash:${user}`, `${tile}:count`, count);
          pipeline.hincrbyfloat(`hash:${user}`, `${tile}:sum`, sum);
        }
        await pipeline.exec();
      }
    });
  };
}

interface Sum {
  readonly user: string;
  readonly tile: number;
  count: number;
  sum: number;
}

function* eachOf(request: Counting): Generator<Sum> {
  for (const { user, price, at } of eventsOf(request))
    yield { user, tile: Math.floor(at / TILE), count: 1, sum: price };
}

function* sumsOf(request: Counting): Generator<Sum> {
  for (const events of batchesOf(eventsOf(request), BATCH)) {
    const sums = new Map<string, Sum>();
    for (const { user, price, at } of events) {
      const tile = Math.floor(at / TILE);
      const sum = sums.get(`${user} ${tile}`) ?? { user, tile, count: 0, sum: 0 };
      sums.set(`${user} ${tile}`, sum);
      sum.count += 1;
      sum.sum += price;
    }
    yield* sums.values();
  }
}
