/** Windows on a real Redis: the script beside the rings of this package, and events that are counted once. */
import { StaleTokenError } from '@holdfast/fence';
import type { TokenHolder } from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { entity } from '../src/definition/entity.js';
import { windows } from '../src/definition/windows.js';
import { createFeatures, type Features } from '../src/features.js';
import { packRows } from '../src/row/pack.js';
import { redisStream } from '../src/source/redis-stream.js';
import type { Source } from '../src/source/source.js';
import { contributionOf } from '../src/window/events.js';
import { addToRing, emptyRing, readRing, writeAddition, writeRing } from '../src/window/ring.js';
import { additionsOf } from './additions.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();

const TILE = 1_000;
const Event = z.object({ user: z.string(), at: z.number(), price: z.number(), what: z.string() });
type Event = z.output<typeof Event>;
const price = (e: Event): number => e.price;
const clicks = windows('clicks', {
  entity: entity('user'),
  tile: TILE,
  lateness: 2 * TILE,
  ahead: 2 * TILE,
  event: Event,
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({
    count: on.count({ over: 4 * TILE }),
    spent: on.sum(price, { over: 4 * TILE }),
    least: on.min(price, { over: 4 * TILE }),
    last: on.last(price, { over: 4 * TILE }),
    twice: on.max((e) => 2 * e.price, { over: 4 * TILE }),
    kinds: on.distinct((e) => e.what, { over: 4 * TILE }),
    recent: on.latest((e) => e.what, { n: 3 }),
    ids: on.latest((e) => `${e.user}/${e.at}`, { n: 1 }),
  }),
});

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'clicks', issuer: 'locks', signal: new AbortController().signal },
});

const NOW = Math.floor(Date.now() / TILE) * TILE;
const GENERATION = 'clicks.1-0';
const HEAD = writeRing(emptyRing(clicks), clicks).subarray(0, 16);

async function opened(partition: ReturnType<typeof openParts>['partitions'][0]): Promise<string> {
  const request = {
    generation: GENERATION,
    lane: 'stream',
    source: '',
    token: 7,
    issuer: 'i',
    renewed: '',
    seen: '',
    isNew: true,
  };
  const reply = await partition.call(partition.verbs.open, request);
  return reply.word === 'opened' ? reply.mark : '';
}

describe('tally', () => {
  const anyEvents = fc.array(
    fc.record({
      user: fc.constantFrom('u1', 'u2'),
      at: fc.integer({ min: -9_000, max: 1_500 }).map((off) => NOW + off),
      price: fc.integer({ min: -50, max: 50 }),
      what: fc.constantFrom('a', 'bb', 'c\0c', 'd'.repeat(40), 'é', ''),
      source: fc.nat(2),
      sequence: fc.nat(1_000),
    }),
    { minLength: 1, maxLength: 30 },
  );

  it('leaves the bytes that the rings of this package have, and says the same of each addition', async () => {
    const { partitions } = openParts(1);
    const [partition] = partitions;
    if (!partition) throw new Error('there is no partition');
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvents, { minLength: 1, maxLength: 5 }), async (batches) => {
        await client().flushall();
        const mark = await opened(partition);
        const rings = new Map(['u1', 'u2'].map((id) => [id, emptyRing(clicks)]));
        for (const events of batches) {
          const ids: string[] = [];
          const additions: Buffer[] = [];
          let expected = '';
          for (const id of ['u1', 'u2']) {
            const own = events
              .filter(({ user }) => user === id)
              .map((e) => contributionOf(clicks, e, e).contribution);
            for (const addition of additionsOf(clicks, own)) {
              ids.push(id);
              additions.push(writeAddition(addition, clicks.plan));
              expected +=
                addToRing(rings.get(id) ?? emptyRing(clicks), clicks, addition) === 'added' ? 'a' : 'l';
            }
          }
          const reply = await partition.call(partition.verbs.tally, {
            ...{
              generation: GENERATION,
              lane: 'stream',
              mark,
              source: '',
              sourceMark: '',
              after: '',
              through: '',
            },
            ...{
              ahead: 300e6,
              history: true,
              parts: ['user'],
              head: HEAD,
              latest: clicks.plan.latest,
              ids,
              additions: packRows(additions),
            },
          });
          expect(reply).toMatchObject({ word: 'landed', verdicts: expected });
          for (const [id, ring] of rings) {
            const bytes = await client().getBuffer(`{feat:shop.0}:${GENERATION}:${id}`);
            if (bytes === null) expect(ring).toEqual(emptyRing(clicks));
            else expect(readRing(bytes, clicks)).toEqual(ring);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('refuses an addition of the future or of another shape by itself, and logs what it added', async () => {
    const [partition] = openParts(1).partitions;
    if (!partition) throw new Error('there is no partition');
    const mark = await opened(partition);
    const additions = [NOW, NOW + 3_600_000].map((at) => {
      const event = { user: 'u1', at, price: 1, what: 'a' };
      const { contribution } = contributionOf(clicks, event, { source: 0, sequence: 1 });
      return writeAddition(additionsOf(clicks, [contribution])[0] as never, clicks.plan);
    });
    const other = Buffer.from(HEAD);
    other.writeUInt32LE(99, 4);
    await client().set(`{feat:shop.0}:${GENERATION}:u3`, Buffer.concat([other, Buffer.alloc(100)]));
    const reply = await partition.call(partition.verbs.tally, {
      ...{ generation: GENERATION, lane: 'stream', mark, source: '', sourceMark: '', after: '', through: '' },
      ...{ ahead: 300e6, history: true, parts: ['user'], head: HEAD, latest: clicks.plan.latest },
      ...{
        ids: ['u1', 'u2', 'u3'],
        additions: packRows([additions[0], additions[1], additions[0]] as Buffer[]),
      },
    });
    expect(reply).toMatchObject({ verdicts: 'aff' });
    const [entry] = await client().xrevrange('{feat:shop.0}:log', '+', '-', 'COUNT', 1);
    expect(entry?.[1].filter((_, place) => place % 2 === 0)).toEqual([`{feat:shop.0}:${GENERATION}:u1`]);
    expect(await client().hget('{feat:shop.0}:record', `rows:${GENERATION}`)).toBe('1');
  });
});

const PARTITIONS = 4;

async function storeOf(): Promise<Features> {
  const store = createFeatures({ redis: url(), name: 'shop', views: [clicks], partitions: PARTITIONS });
  later(() => store.close());
  await store.apply();
  return store;
}

async function follow(
  store: Features,
  holder: TokenHolder,
  parse = (value: unknown): unknown => JSON.parse((value as { e: string }).e),
) {
  const lane = await store.open(clicks, { lane: 'stream', holder, renew: () => Promise.resolve() });
  return { lane, follower: lane.follow(redisStream({ redis: url(), streams: ['events'], most: 50 }), parse) };
}

/** Events of the latest two tiles, a few for each user. */
async function fill(from: number, to: number): Promise<void> {
  const pipeline = client().pipeline();
  for (let n = from; n < to; n += 1) {
    const e = { user: `u${n % 7}`, at: Date.now(), price: n, what: `k${n % 3}` };
    pipeline.xadd('events', `${n + 1}-0`, 'e', JSON.stringify(e));
  }
  await pipeline.exec();
}

const USERS = Array.from({ length: 7 }, (_, n) => `u${n}`);

/** Of all users, and of all tiles that there are, whatever the time: how many events, and their sum. */
async function counted(): Promise<[number, number]> {
  let [count, sum] = [0, 0];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (const id of USERS) {
      const bytes = await client().getBuffer(`{feat:shop.${partition}}:${GENERATION}:${id}`);
      for (const tile of (bytes && readRing(bytes, clicks)?.tiles) ?? []) {
        count += tile?.count ?? 0;
        sum += tile?.series[0]?.sum ?? 0;
      }
    }
  }
  return [count, sum];
}

const until = (count: number): Promise<void> =>
  vi.waitFor(async () => expect((await counted())[0]).toBe(count), { timeout: 20_000, interval: 20 });

const sumTo = (count: number): number => (count * (count - 1)) / 2;

describe('windows of a stream', () => {
  it('are served with their types, and say what the latest events say', async () => {
    const store = await storeOf();
    const { follower, lane } = await follow(store, holderOf(7));
    const events = [3, 9, 4].map((price, n) => ({ user: 'u1', at: Date.now(), price, what: `k${n}` }));
    for (const e of events) await client().xadd('events', '*', 'e', JSON.stringify(e));
    await client().xadd('events', '*', 'e', JSON.stringify({ user: 'u1', at: 'never', price: 1, what: 'k' }));
    await until(3);
    const [row, none] = await store.rows(clicks, ['u1', 'u2']);
    const spent: number | null | undefined = row?.values.spent;
    expect(spent).toBe(16);
    expect(row?.values).toMatchObject({
      count: 3,
      least: 3,
      last: 4,
      twice: 18,
      kinds: 3,
      recent: ['k2', 'k1', 'k0'],
    });
    expect(none).toMatchObject({ reason: 'missing', values: { count: null } });
    await follower.stop();
    const { age } = (await store.stats()).views['clicks'] ?? {};
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(clicks.tile + 60_000); // the beginning of the latest tile
    expect(lane.stats()).toMatchObject({ late: 0, refused: 1 });
  });

  it('tell apart the events of one record, and those of one millisecond', async () => {
    const store = await storeOf();
    const { follower } = await follow(store, holderOf(7), (value) => {
      const e = JSON.parse((value as { e: string }).e);
      return [0, 1].map((n) => ({ ...e, what: `${e.what}${n}` }));
    });
    const at = Date.now();
    for (const n of [5_000, 5_001]) {
      const e = { user: 'u1', at, price: 1, what: `k${n - 5_000}` };
      await client().xadd('events', `1-${n}`, 'e', JSON.stringify(e));
    }
    await until(4);
    expect((await store.rows(clicks, ['u1']))[0]?.values.recent).toEqual(['k11', 'k10', 'k01']);
    await follower.stop();
  });

  it('of many small batches are counted by few calls, because those that wait leave together', async () => {
    const COUNT = 400;
    const store = await storeOf();
    const at = Date.now();
    const source: Source = {
      ...{ name: 'many', partitions: [0] },
      nameOf: () => 'many',
      extent: () => Promise.resolve(undefined),
      async *read(_, after) {
        for (let n = after?.[0] ?? 0; n < COUNT; n += 1) {
          const value = { user: `u${n % 7}`, at, price: n, what: `k${n}` };
          yield { records: [{ offset: [n + 1, 0], value }], through: [n + 1, 0] };
        }
      },
    };
    const lane = await store.open(clicks, { lane: 'stream', holder: holderOf(7) });
    await lane.follow(source, (value) => value).done();
    expect(await counted()).toEqual([COUNT, sumTo(COUNT)]);
    let calls = 0;
    for (let n = 0; n < PARTITIONS; n += 1) calls += await client().xlen(`{feat:shop.${n}}:log`);
    expect(calls).toBeLessThan(COUNT / 4);
  });

  it('count every event once, whoever takes the lane over while they come', async () => {
    const store = await storeOf();
    await fill(0, 200);
    const old = await follow(store, holderOf(7));
    await vi.waitFor(async () => expect((await counted())[0]).toBeGreaterThan(0), 20_000);
    const next = await follow(store, holderOf(8));
    await fill(200, 400);
    await until(400);
    expect(await counted()).toEqual([400, sumTo(400)]);
    await expect(old.follower.done()).rejects.toThrow(StaleTokenError);
    await next.follower.stop();
  });

  it('count every event once where the server has forgotten one partition’s last calls', async () => {
    const store = await storeOf();
    await fill(0, 200);
    await follow(store, holderOf(7));
    await until(200);
    const keys = await client().keys('{feat:shop.1}:clicks.1-0:*');
    await client().hset('{feat:shop.1}:record', 'server', 'another', 'offset:clicks.1-0:stream:0', '-1 0');
    if (keys.length > 0) await client().del(...keys);
    await fill(200, 250);
    await until(250);
    expect(await counted()).toEqual([250, sumTo(250)]);
  });
});
