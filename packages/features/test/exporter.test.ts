/** The exporter on a real Redis and real files: every accepted row once, wherever an exporter stops, and by one of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, t, view, windows } from '@holdfast/features';
import { exportedRows } from '@holdfast/features/offline';
import { StaleTokenError } from '@holdfast/fence';
import { MisuseError, systemClock, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { filesOf } from '../src/offline/duckdb.js';
import { Exporter, type ExporterParts } from '../src/offline/exporter.js';
import { latestManifest } from '../src/offline/manifest.js';
import { redisStream } from '../src/source/redis-stream.js';
import { Definitions } from '../src/store/definitions.js';
import { Telemetry } from '../src/telemetry.js';
import { duckdb, useDuckDb } from './duckdb.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const PARTITIONS = 2;
const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const secret = view('secret', { entity: user, history: false, fields: { n: t.int() } });
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'test', signal: new AbortController().signal },
});

async function setting() {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-export-'));
  later(() => rm(dir, { recursive: true, force: true }));
  const store = createFeatures({
    redis: url(),
    name: 'shop',
    partitions: PARTITIONS,
    views: [profile, secret],
  });
  later(() => store.close());
  await store.apply();
  const lane = await store.open(profile, { lane: 'batch', holder: holderOf(5) });
  let time = Date.now() - 60_000;
  let n = 0;
  /** Lands rows with values from the last one on. */
  const land = async (count: number): Promise<void> => {
    time += 1;
    const rows = Array.from({ length: count }, () => ({
      id: `u${n % 5}`,
      time: time + n,
      values: { n: n++ },
    }));
    expect(new Set((await lane.land(rows)).outcomes)).toEqual(new Set(['accepted']));
  };
  return { dir, store, land };
}

/** An exporter that stops before a step, counted from 0. */
function stoppingAt(dir: string, token: number, onStep: ExporterParts['onStep'] = () => {}): Exporter {
  const { partitions, catalog } = openParts(PARTITIONS);
  const definitions = new Definitions(catalog);
  const telemetry = new Telemetry('shop', systemClock);
  const store = { name: 'shop', prefix: '', partitions, catalog, definitions, telemetry, clock: systemClock };
  return new Exporter({ duckdb: duckdb(), dir, holder: holderOf(token), store, onStep });
}

/** The values of the rows that manifests name, in ascending order. */
async function exported(dir: string): Promise<number[]> {
  const { files } = await exportedRows(dir, 'profile');
  if (files.length === 0) return [];
  const read = await duckdb().runAndReadAll(`SELECT n FROM ${filesOf(files)} ORDER BY n`);
  return read.getRowObjectsJS().map(({ n }) => Number(n));
}

const KEYS = [0, 1].flatMap((partition) =>
  ['record', 'log', 'at'].map((key) => `{feat:shop.${partition}}:${key}`),
);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const logged = async (): Promise<number> =>
  (await client().xlen('{feat:shop.0}:log')) + (await client().xlen('{feat:shop.1}:log'));

describe('an exporter', () => {
  it('moves what was accepted into files, goes on where it was, and leaves the log empty', async () => {
    const { dir, store, land } = await setting();
    await land(7);
    const exporter = store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) });
    expect(await exporter.run()).toMatchObject({ rows: 7, undecoded: 0, lost: 0 });
    expect(await logged()).toBe(0);
    expect(await exporter.run()).toMatchObject({ rows: 0, files: 0 });
    await land(4);
    expect(await exporter.run()).toMatchObject({ rows: 4 });
    expect(await exported(dir)).toEqual(upTo(11));
  });

  it('decodes rows of generations that have ended by their own definitions, which are forgotten afterwards', async () => {
    const { dir, store, land } = await setting();
    await land(3);
    const asText = view('profile', { entity: user, fields: { n: t.string() } });
    const next = createFeatures({ redis: url(), name: 'shop', partitions: PARTITIONS, views: [asText] });
    later(() => next.close());
    const generation = await next.begin(asText, { holder: holderOf(8) });
    const lane = await next.open(asText, { holder: holderOf(8), generation });
    await lane.land([{ id: 'u9', time: Date.now(), values: { n: 'nine' } }]);
    await generation.cut({ lanes: { batch: 'ended' } });
    await (await next.generation(asText, '1-0', { holder: holderOf(9) })).retire();
    const own = 'definition:profile.1-0';
    expect(await client().hexists('{feat:shop}:catalog', own)).toBe(1);
    const exporter = store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) });
    expect(await exporter.run()).toMatchObject({ rows: 4, undecoded: 0 });
    const { files } = await exportedRows(dir, 'profile');
    const read = await duckdb().runAndReadAll(
      `SELECT n FROM ${filesOf(files.filter((each) => each.includes('g=1-0')))} ORDER BY n`,
    );
    expect(read.getRowObjectsJS().map(({ n }) => Number(n))).toEqual(upTo(3));
    expect(await client().hexists('{feat:shop}:catalog', own)).toBe(0);
  });

  it('has every row once, at whichever step it stops', async () => {
    const { dir, land } = await setting();
    const reached: string[] = [];
    let total = 0;
    for (let at = 0; ; at += 1) {
      await land(4);
      total += 4;
      let steps = 0;
      const stop = new Error('stopped');
      const run = stoppingAt(dir, 10 + at, (step) => {
        if (steps++ < at) return;
        reached.push(step);
        throw stop;
      }).run();
      const failed = await run.then(
        () => false,
        (error: unknown) => {
          expect(error).toBe(stop);
          return true;
        },
      );
      const named = await exported(dir);
      expect(new Set(named).size).toBe(named.length);
      if (!failed) break;
    }
    expect(new Set(reached)).toEqual(new Set(['claim', 'write', 'rename', 'name', 'trim']));
    expect(await exported(dir)).toEqual(upTo(total));
    expect(await logged()).toBe(0);
  });

  it.each(['write', 'rename', 'name', 'trim'] as const)(
    'that is deposed before it comes to %s adds nothing to it',
    async (step) => {
      const { dir, land } = await setting();
      await land(6);
      let isDeposed = false;
      const first = stoppingAt(dir, 1, async (at) => {
        if (at !== step || isDeposed) return;
        isDeposed = true;
        await stoppingAt(dir, 2).run();
      });
      await expect(first.run()).rejects.toThrow(StaleTokenError);
      expect(await exported(dir)).toEqual(upTo(6));
      await land(3);
      await expect(first.run()).rejects.toThrow(StaleTokenError);
      await stoppingAt(dir, 2).run();
      expect(await exported(dir)).toEqual(upTo(9));
    },
  );

  it('is refused by the manifest where the server has forgotten who exports', async () => {
    const { dir, land } = await setting();
    await land(4);
    await stoppingAt(dir, 2).run();
    for (const partition of [0, 1]) await client().hdel(`{feat:shop.${partition}}:record`, 'exporter');
    await land(4);
    await expect(stoppingAt(dir, 1).run()).rejects.toThrow(StaleTokenError);
    expect(await exported(dir)).toEqual(upTo(4));
  });

  it('exports nothing twice where the server has its log back, and all that it accepts from then on', async () => {
    const { dir, store, land } = await setting();
    await land(5);
    const before = await Promise.all(KEYS.map((key) => client().dumpBuffer(key)));
    await stoppingAt(dir, 1).run();
    await land(5);
    await stoppingAt(dir, 1).run();
    // The server comes back with what it had, and under another name.
    for (const [at, key] of KEYS.entries()) await client().restore(key, 0, before[at] as Buffer, 'REPLACE');
    for (const partition of [0, 1])
      await client().hset(`{feat:shop.${partition}}:record`, 'server', 'another');
    const exporter = stoppingAt(dir, 1);
    expect((await exporter.run()).rows).toBe(0);
    const lane = await store.open(profile, {
      lane: 'other',
      holder: holderOf(6),
      rank: 9,
      renew: () => Promise.resolve(),
    });
    await lane.land([{ id: 'u9', time: Date.now(), values: { n: 10 } }]);
    expect((await exporter.run()).rows).toBe(1);
    expect(await exported(dir)).toEqual(upTo(11));
  });

  it('says what was trimmed before it came', async () => {
    const { dir, store, land } = await setting();
    await land(6);
    const [one, other] = [join(dir, 'one'), join(dir, 'other')];
    await store.exporter({ duckdb: duckdb(), dir: one, holder: holderOf(1) }).run();
    await land(2);
    const report = await store.exporter({ duckdb: duckdb(), dir: other, holder: holderOf(1) }).run();
    expect(report.lost).toBe(PARTITIONS);
    expect(await exported(other)).toEqual([6, 7]);
    expect((await exportedRows(other, 'profile')).lost).toMatchObject([
      { partition: 0, after: 0 },
      { partition: 1 },
    ]);
  });

  it('refuses the folder of another store, and options that cannot be', async () => {
    const { dir, store, land } = await setting();
    await land(1);
    const options = { duckdb: duckdb(), dir, holder: holderOf(1) };
    await store.exporter(options).run();
    const other = createFeatures({ redis: url(), name: 'other', views: [profile] });
    later(() => other.close());
    await other.apply();
    await expect(other.exporter(options).run()).rejects.toThrow(/rows of another store.*"shop"/);
    expect(() => store.exporter({ ...options, dir: '' })).toThrow(MisuseError);
    await expect(exportedRows(join(dir, 'none'), 'profile')).rejects.toThrow(MisuseError);
  });

  it('refuses the folder of a store that has its name and is another', async () => {
    const { dir, store, land } = await setting();
    await land(1);
    const options = { duckdb: duckdb(), dir, holder: holderOf(1) };
    await store.exporter(options).run();
    await client().flushall();
    const anew = createFeatures({ redis: url(), name: 'shop', partitions: PARTITIONS, views: [profile] });
    later(() => anew.close());
    await expect(anew.exporter(options).run()).rejects.toThrow(/Nothing was applied/);
    await anew.apply();
    await expect(anew.exporter(options).run()).rejects.toThrow(/rows of another store/);
  });

  it('knows its store again where the catalog was lost', async () => {
    const { dir, store, land } = await setting();
    await land(1);
    const options = { duckdb: duckdb(), dir, holder: holderOf(1) };
    await store.exporter(options).run();
    await client().del('{feat:shop}:catalog');
    await store.apply();
    await land(1);
    expect((await store.exporter(options).run()).rows).toBe(1);
  });

  it('has each row once, also where it is called twice at once', async () => {
    const { dir, store, land } = await setting();
    const exporter = store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) });
    for (let round = 1; round <= 3; round += 1) {
      await land(10);
      await Promise.all([exporter.run(), exporter.run()]);
      expect(await exported(dir)).toEqual(upTo(10 * round));
    }
  });

  it('tells a store whose copy goes on beside it, and exports to the same folder', async () => {
    const { dir, store, land } = await setting();
    await land(2);
    const options = { duckdb: duckdb(), dir, holder: holderOf(1) };
    await store.exporter(options).run();
    // The copy is on a server of its own, and so in an epoch of its own; the store is still in its own.
    const records = await Promise.all(KEYS.map((key) => client().dumpBuffer(key)));
    for (const partition of [0, 1])
      await client().hset(`{feat:shop.${partition}}:record`, 'server', 'another');
    await store.exporter(options).run();
    for (const [at, key] of KEYS.entries()) {
      const record = records[at];
      if (record) await client().restore(key, 0, record, 'REPLACE');
      else await client().del(key);
    }
    await expect(store.exporter(options).run()).rejects.toThrow(/a copy of the store "shop"/);
  });

  it('keeps rows that it cannot decode as they are', async () => {
    const { dir, store, land } = await setting();
    await land(1);
    for (const partition of [0, 1]) {
      const prefix = `{feat:shop.${partition}}:`;
      await client().xadd(`${prefix}log`, '9999999999999-0', `${prefix}profile.1-0:u9`, 'torn');
      await client().set(`${prefix}at`, '1.x 9999999999999000');
    }
    const report = await store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) }).run();
    expect(report).toMatchObject({ rows: 3, undecoded: 2 });
    const kept = (await latestManifest(dir, 0))?.files.filter(({ kind }) => kind === 'undecoded') ?? [];
    const read = await duckdb().runAndReadAll(
      `SELECT * FROM ${filesOf(kept.map(({ path }) => join(dir, path)))}`,
    );
    expect(read.getRowObjectsJS()).toMatchObject([{ '@id': 'u9', '@partition': 0 }]);
  });

  it('has the additions to windows as they are', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'holdfast-export-'));
    later(() => rm(dir, { recursive: true, force: true }));
    const clicks = windows('clicks', {
      ...{ entity: user, tile: 60_000, event: z.object({ user: z.string(), at: z.number() }) },
      key: (e: { user: string }) => e.user,
      time: (e: { at: number }) => e.at,
      fields: (on) => ({ count: on.count({ over: 60_000 }) }),
    });
    const store = createFeatures({ redis: url(), name: 'shop', partitions: PARTITIONS, views: [clicks] });
    later(() => store.close());
    await store.apply();
    await client().xadd('clicks', '*', 'event', JSON.stringify({ user: 'u1', at: Date.now() }));
    const lane = await store.open(clicks, { lane: 'stream', holder: holderOf(1) });
    lane.follow(redisStream({ redis: url(), streams: ['clicks'] }), (value) =>
      JSON.parse((value as { event: string }).event),
    );
    await expect
      .poll(async () => (await store.rows(clicks, ['u1']))[0]?.values?.count, { timeout: 10_000 })
      .toBe(1);
    await lane.close();
    expect(await store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) }).run()).toMatchObject({
      rows: 1,
    });
    const named = await Promise.all([0, 1].map((partition) => latestManifest(dir, partition)));
    expect(named.flatMap((each) => each?.files ?? [])).toMatchObject([
      { view: 'clicks', kind: 'additions', rows: 1 },
    ]);
  });
});

describe('the log of a partition', () => {
  it('is read and trimmed by the exporter of the highest token alone, in the epoch in which it was read', async () => {
    const { land } = await setting();
    await land(6);
    const [partition] = openParts(PARTITIONS).partitions;
    if (partition === undefined) throw new Error('no partition');
    const { claim, trim } = partition.verbs;
    const asked = (token: number, issuer = 'test') =>
      partition.call(claim, { token, issuer, epoch: '', through: 0, most: 10 });
    const found = await asked(1);
    if (found.word !== 'claimed') throw new Error(found.word);
    const request = { issuer: 'test', epoch: found.epoch, ofLast: found.epoch, through: found.last };
    expect(await asked(2)).toMatchObject({ word: 'claimed' });
    expect(await asked(1)).toEqual({ word: 'stale', detail: '2 test' });
    expect(await asked(3, 'another')).toEqual({ word: 'foreign', detail: '2 test' });
    const before = await logged();
    expect(await partition.call(trim, { ...request, token: 1 })).toMatchObject({ word: 'stale' });
    expect(await partition.call(trim, { ...request, token: 2, epoch: '0.x' })).toMatchObject({
      word: 'forgot',
    });
    expect(await logged()).toBe(before);
    expect(await partition.call(trim, { ...request, token: 2 })).toMatchObject({ word: 'trimmed' });
    expect(await logged()).toBeLessThan(before);
  });
});
