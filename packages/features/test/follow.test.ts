/** Lanes that follow Redis streams: each record is taken in once, whatever is repeated, taken over or lost. */
import { StaleTokenError } from '@holdfast/fence';
import type { TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { SourceLostError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import type { FollowLaneOptions } from '../src/lane/following.js';
import type { ParseRecord } from '../src/lane/lane.js';
import type { LaneRow } from '../src/lane/row.js';
import { redisStream } from '../src/source/redis-stream.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const fields = { n: t.int() };
const last = view('last', { entity: user, fields });
const PARTITIONS = 4;

async function storeOf(): Promise<Features> {
  const store = createFeatures({ redis: url(), name: 'shop', views: [last], partitions: PARTITIONS });
  later(() => store.close());
  await store.apply();
  return store;
}

const holderOf = (token: number, parts: Partial<TokenHolder> = {}): TokenHolder => ({
  ...{ token, resource: 'clicks', issuer: 'locks', signal: new AbortController().signal },
  ...parts,
});

type Row = LaneRow<typeof user, typeof fields>;

const NOW = Date.now();
const parse: ParseRecord<Row> = (value) => {
  const { user: id, n } = value as { user: string; n: string };
  if (id === undefined) throw new Error('no user');
  return { id, time: NOW + Number(n), values: { n: Number(n) } };
};

/** Entries from `from` to below `to`, each about one of a few users. */
async function fill(from: number, to: number, stream = 'clicks'): Promise<void> {
  const pipeline = client().pipeline();
  for (let n = from; n < to; n += 1)
    pipeline.xadd(stream, `${n + 1}-0`, 'user', `u${n % 37}`, 'n', String(n));
  await pipeline.exec();
}

async function followed(
  store: Features,
  holder = holderOf(7),
  options: FollowLaneOptions & { streams?: string[] } = {},
) {
  const lane = await store.open(last, { lane: 'stream', holder, renew: () => Promise.resolve() });
  const { streams = ['clicks'], ...rest } = options;
  return { lane, follower: lane.follow(redisStream({ redis: url(), streams, most: 100 }), parse, rest) };
}

/** The numbers of all records that were accepted, in order, from the logs of all partitions. */
async function accepted(): Promise<number[]> {
  const all: number[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const entries = await client().xrangeBuffer(`{feat:shop.${partition}}:log`, '-', '+');
    for (const [, parts] of entries) {
      for (const part of parts.filter((_, place) => place % 2 === 1))
        if (part.length >= 40 && part[0] === 1) all.push(part.readDoubleLE(8) / 1_000 - NOW);
    }
  }
  return all.sort((one, other) => one - other);
}

const numbers = (to: number): number[] => Array.from({ length: to }, (_, n) => n);
const until = (count: number): Promise<void> =>
  vi.waitFor(async () => expect(await accepted()).toHaveLength(count), { timeout: 20_000, interval: 20 });

describe('following a stream', () => {
  it('takes in what is there and what comes, in order, and tells every partition how far', async () => {
    const store = await storeOf();
    await fill(0, 500);
    const { lane, follower } = await followed(store);
    await until(500);
    await fill(500, 600);
    await until(600);
    expect(await accepted()).toEqual(numbers(600));
    await follower.stop();
    expect(lane.stats()).toMatchObject({ accepted: 600, older: 0, equal: 0, refused: 0, reasons: {} });
    expect(follower.partitions).toEqual([
      {
        ...{ partition: 0, name: 'clicks', through: [600, 0], last: [600, 0], lag: 0, inFlight: 0 },
        problem: undefined,
      },
    ]);
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const offset = await client().hget(`{feat:shop.${partition}}:record`, 'offset:last.1-0:stream:0');
      expect(offset).toBe('600 0');
    }
    const [row] = await store.rows(last, ['u7']);
    expect(row?.values.n).toBe(599 - ((599 - 7) % 37));
  });

  it('goes on from where it was, and takes in nothing twice', async () => {
    const store = await storeOf();
    await fill(0, 300);
    const first = await followed(store);
    await until(300);
    await first.follower.stop();
    await fill(300, 350);
    await followed(store, holderOf(8));
    await until(350);
    expect(await accepted()).toEqual(numbers(350));
  });

  it('a record that cannot be read or stored is reported, and the others go on', async () => {
    const store = await storeOf();
    await client().xadd('clicks', '1-0', 'what', 'ever');
    await client().xadd('clicks', '2-0', 'user', 'u1', 'n', 'x');
    await client().xadd('clicks', '3-0', 'user', 'u1', 'n', '5');
    const unreadable: string[] = [];
    const onUnreadable: FollowLaneOptions['onUnreadable'] = (error, { offset }) =>
      void unreadable.push(`${offset[0]}: ${(error as Error).message}`);
    const { lane, follower } = await followed(store, holderOf(7), { onUnreadable });
    await until(1);
    await follower.stop();
    expect(unreadable).toEqual([
      '1: no user',
      expect.stringMatching(/^2: In a row of the view "last", time is/),
    ]);
    expect(lane.stats().refused).toBe(2);
  });

  it('whoever takes the lane over goes on, and the old one lands nothing more', async () => {
    const store = await storeOf();
    await fill(0, 200);
    const old = await followed(store);
    await until(200);
    const next = await followed(store, holderOf(8));
    await fill(200, 1_200);
    await until(1_200);
    await expect(old.follower.done()).rejects.toThrow(StaleTokenError);
    expect(old.lane.signal.reason).toBeInstanceOf(StaleTokenError);
    await next.follower.stop();
    expect(await accepted()).toEqual(numbers(1_200));
  });

  it('source partitions may be in different hands, and one goes on without the other', async () => {
    const store = await storeOf();
    await fill(0, 50, 'a');
    const hold: FollowLaneOptions['hold'] = (name, { partition }) =>
      holderOf(20 + partition, { resource: name });
    const one = await followed(store, holderOf(7), { streams: ['a', 'b'], hold });
    await until(50);
    await fill(50, 100, 'b');
    await until(100);
    await one.follower.stop();
    expect(await client().hget('{feat:shop.0}:record', 'mark:last.1-0:stream:1')).toMatch(/^21 /);
  });

  it('where the server may have forgotten, it opens again and replays from what is stored', async () => {
    const store = await storeOf();
    await fill(0, 100);
    await followed(store);
    await until(100);
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await client().hset(`{feat:shop.${partition}}:record`, 'server', 'another');
    await fill(100, 200);
    await until(200);
    expect(await accepted()).toEqual(numbers(200));
  });

  it('a partition that stands behind is caught up, and the others drop what they have', async () => {
    const store = await storeOf();
    await fill(0, 100);
    await followed(store);
    await until(100);
    // As after a failover to a server that lacks the last calls of one partition.
    const record = '{feat:shop.1}:record';
    const rows = await client().keys('{feat:shop.1}:last.1-0:*');
    await client().hset(record, 'server', 'another', 'offset:last.1-0:stream:0', '-1 0');
    await client().del(...rows);
    await client().xtrim('{feat:shop.1}:log', 'MAXLEN', 0);
    await fill(100, 150);
    await until(150);
    expect(await accepted()).toEqual(numbers(150));
  });
});

describe('a source that is not what it was', () => {
  it('trimmed past what was taken in, ends the follower', async () => {
    const store = await storeOf();
    await fill(0, 100);
    const first = await followed(store);
    await until(100);
    await first.follower.stop();
    await fill(100, 200);
    await client().xtrim('clicks', 'MINID', '150-0');
    const { follower } = await followed(store, holderOf(8));
    await expect(follower.done()).rejects.toThrow(SourceLostError);
    await expect(follower.done()).rejects.toThrow(
      /records through 149 \d+ are gone, and were taken in through 100 0/,
    );
  });

  it('trimmed up to what was taken in, is followed on', async () => {
    const store = await storeOf();
    await fill(0, 100);
    const first = await followed(store);
    await until(100);
    await first.follower.stop();
    await client().xtrim('clicks', 'MINID', '100-0');
    await fill(100, 110);
    await followed(store, holderOf(8));
    await until(110);
  });

  it('trimmed before the lane began, is taken in from what there is', async () => {
    const store = await storeOf();
    await fill(0, 100);
    await client().xtrim('clicks', 'MINID', '51-0');
    await followed(store);
    await until(50);
  });

  it('made anew, ends the follower', async () => {
    const store = await storeOf();
    await fill(0, 100);
    const first = await followed(store);
    await until(100);
    await first.follower.stop();
    await client().del('clicks');
    await fill(0, 10);
    const { follower } = await followed(store, holderOf(8));
    await expect(follower.done()).rejects.toThrow(/was made anew/);
  });
});
