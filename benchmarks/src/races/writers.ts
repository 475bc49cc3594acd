/**
 * How a batch of feature rows is written, in three ways: as Feast's online store for Redis does it, as a pipeline that checks
 * nothing, and by a lane.
 *
 * Feast's protocol is that of `online_write_batch` in its `online_stores/redis.py`: the event times of all keys of a batch are
 * read in one pipeline, rows that are not newer are left out, and the others are written in a second pipeline. It is enacted
 * here with the same commands, but for the coding of names and values, which does not change the order.
 */
import { createFeatures, entity, type Lane, type LaneRow, t, view } from '@holdfast/features';
import { Redis } from 'ioredis';

const NAMES = Array.from({ length: 10 }, (_, n) => `f${n}`);
const FIELDS = Object.fromEntries(NAMES.map((name) => [name, t.float64()]));
const user = entity('user');
export const profile = view('profile', { entity: user, fields: FIELDS });

export const openStore = (redis: string, name: string) => createFeatures({ redis, name, views: [profile] });

export const BATCH = 1_000;

/** Rows of `count` users with one event time, in ms, which is also the value of every feature. */
export interface Work {
  readonly writer: WriterName;
  /** Begins the Redis keys, so that each round has keys of its own. */
  readonly name: string;
  readonly count: number;
  readonly time: number;
  /** How long it waits before it begins, in ms. */
  readonly delay: number;
  /** The lane and its token; for Holdfast only. */
  readonly lane: 'batch' | 'stream';
}

export type WriterName = 'Feast' | 'HSET' | 'Holdfast';

/** Made ready before the writers begin, so that they begin together. */
type Write = (work: Work) => Promise<void>;

export const keyOf = (name: string, n: number): string => `${name}:u${n}`;

const valuesOf = (time: number) => Object.fromEntries(NAMES.map((name) => [name, time]));

/** What a process needs for one writer; `close` ends it. */
export interface Writer {
  readonly write: Write;
  readonly close: () => Promise<void>;
}

export async function openWriter(url: string, { writer, name, lane: laneName }: Work): Promise<Writer> {
  if (writer === 'Holdfast') {
    const store = openStore(url, name);
    const holder = { token: 1, resource: laneName, issuer: 'races' };
    const lane = await store.open(profile, { lane: laneName, holder });
    return { write: (work) => land(lane, work), close: () => store.close() };
  }
  const redis = new Redis(url);
  await redis.ping();
  const write: Write = (work) => (writer === 'Feast' ? asFeast(redis, work) : asIs(redis, work));
  return { write, close: async () => redis.disconnect() };
}

async function land(lane: Lane<LaneRow<typeof user, typeof FIELDS>>, { count, time }: Work): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    await lane.land(
      Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => ({
        id: `u${from + n}`,
        time,
        values: valuesOf(time),
      })),
    );
  }
}

async function asFeast(redis: Redis, { name, count, time }: Work): Promise<void> {
  const seconds = Math.floor(time / 1_000);
  for (let from = 0; from < count; from += BATCH) {
    const keys = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => keyOf(name, from + n));
    const asking = redis.pipeline();
    for (const key of keys) asking.hmget(key, '_ts:profile');
    const found = (await asking.exec()) ?? [];
    const writing = redis.pipeline();
    for (const [at, key] of keys.entries()) {
      const [before] = (found[at]?.[1] ?? []) as (string | null)[];
      if (before && seconds <= Number(before)) continue;
      writing.hset(key, { '_ts:profile': seconds, ...valuesOf(time) });
    }
    await writing.exec();
  }
}

async function asIs(redis: Redis, { name, count, time }: Work): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const writing = redis.pipeline();
    for (let n = from; n < Math.min(from + BATCH, count); n += 1)
      writing.hset(keyOf(name, n), valuesOf(time));
    await writing.exec();
  }
}
