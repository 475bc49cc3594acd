/** Erasing an entity: in Redis, in logs, in exported files and training sets, whatever crashes, and under one token. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, RowError, redisStream, service, t, view, windows } from '@holdfast/features';
import { trainingSet } from '@holdfast/features/offline';
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { filesOf, quoted } from '../src/offline/duckdb.js';
import { eraseEntity, restoreEntity } from '../src/offline/erase.js';
import { Exporter } from '../src/offline/exporter.js';
import { partsOf } from '../src/offline/parts.js';
import { readHeader } from '../src/row/header.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const PARTITIONS = 3;
const [user, product] = [entity('user'), entity('product')];
const pair = entity('pair', [user, product]);
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const affinity = view('affinity', { entity: pair, fields: { score: t.int() } });
const clicks = windows('clicks', {
  entity: user,
  tile: 60_000,
  event: z.object({ user: z.string(), at: z.number() }),
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({ count: on.count({ over: 3_600_000 }) }),
});
const ranking = service('ranking', { views: { profile, clicks } });
const holderOf = (token: number, issuer = 'test'): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer, signal: new AbortController().signal },
});

const NOW = Date.now() - 60_000;
const USERS = ['u1', 'u2', 'u3', 'a/b%'];

async function setting() {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-erase-'));
  later(() => rm(dir, { recursive: true, force: true }));
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: PARTITIONS, services: [ranking] },
    views: [profile, affinity, clicks],
  });
  later(() => store.close());
  await store.apply();
  const lane = await store.open(profile, { lane: 'batch', holder: holderOf(5) });
  const pairs = await store.open(affinity, { lane: 'batch', holder: holderOf(5) });
  const stream = await store.open(clicks, { lane: 'stream', holder: holderOf(5) });
  stream.follow(redisStream({ redis: url(), streams: ['clicks'] }), (value) =>
    JSON.parse((value as { e: string }).e),
  );
  let n = 0;
  /** A row of each view for each user, and for each pair with a product. */
  const fill = async (time = NOW) => {
    n += 1;
    const rows = await lane.land(USERS.map((id) => ({ id, time, values: { n } })));
    const ids = USERS.flatMap((id) => ['p1', 'p2'].map((other) => ({ user: id, product: other })));
    const others = await pairs.land(ids.map((id) => ({ id, time, values: { score: n } })));
    for (const id of USERS) await client().xadd('clicks', '*', 'e', JSON.stringify({ user: id, at: NOW }));
    await vi.waitFor(() => {
      const { added, erased } = stream.stats();
      expect(added + erased).toBe(n * USERS.length);
    }, 10_000);
    return { rows: rows.outcomes, pairs: others.outcomes };
  };
  const exporter = () => store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) });
  return { dir, store, fill, exporter, stream };
}

/** Keys of rows that are there, without their beginning. */
async function rowKeys(): Promise<string[]> {
  const keys = await client().keys('{feat:shop.*}:*.1-0:*');
  return keys.map((key) => key.slice(key.indexOf('}:') + 2)).sort();
}

/** Of the rows of a view: how many there are, and the sum of their checksums, by looking at all and by the records. */
async function counted(of: string): Promise<{ readonly found: number[]; readonly kept: number[] }> {
  const [found, kept] = [
    [0, 0],
    [0, 0],
  ];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const own = `{feat:shop.${partition}}:`;
    for (const key of await client().keys(`${own}${of}.1-0:*`)) {
      const row = await client().getBuffer(key);
      found[0] = (found[0] ?? 0) + 1;
      found[1] = (found[1] ?? 0) + (row === null ? 0 : row.readUInt32LE(4));
      if (row !== null) expect(readHeader(row).rank).toBeGreaterThan(0);
    }
    const [rows, sum] = await client().hmget(`${own}record`, `rows:${of}.1-0`, `sum:${of}.1-0`);
    kept[0] = (kept[0] ?? 0) + Number(rows);
    kept[1] = (kept[1] ?? 0) + Number(sum);
  }
  for (const each of [found, kept]) each[1] = (each[1] ?? 0) % 2 ** 32;
  return { found, kept };
}

/** The ids in all Parquet files that there are, named or not. */
async function idsInFiles(dir: string): Promise<string[]> {
  const names = (await readdir(dir, { recursive: true })).filter((path) => path.includes('.parquet'));
  if (names.length === 0) return [];
  const read = await duckdb().runAndReadAll(
    `SELECT DISTINCT "@id" AS id FROM ${filesOf(names.map((name) => join(dir, name)))} ORDER BY id`,
  );
  return read.getRowObjectsJS().map(({ id }) => String(id));
}

/** What a training set has for each user now. */
async function trained(store: Awaited<ReturnType<typeof setting>>['store'], dir?: string) {
  const [labels, out] = [fileFor('erase-labels.parquet'), fileFor('erase-set.parquet')];
  const values = USERS.map((id) => `(${quoted(id)}, make_timestamp(${(Date.now() + 60_000) * 1_000}))`);
  await duckdb().run(
    `COPY (SELECT * FROM (VALUES ${values.join(', ')}) l("user", "when")) TO ${quoted(labels)} (FORMAT parquet)`,
  );
  await trainingSet({
    ...{ duckdb: duckdb(), store, service: ranking, labels: [labels], at: 'when', out },
    ...(dir !== undefined && { dir }),
  });
  const read = await duckdb().runAndReadAll(`SELECT * FROM ${quoted(out)}`);
  return read
    .getRowObjectsJS()
    .map((row) =>
      [row['profile.n'], row['clicks.count']].map((value) => (value === null ? null : Number(value))),
    );
}

const online = async (store: Awaited<ReturnType<typeof setting>>['store']): Promise<unknown[]> =>
  (await store.rows(profile, USERS)).map(({ values }) => values.n);

describe('an entity that is erased', () => {
  it('has no row, takes none of any event time, and leaves the counts right; others are as they were', async () => {
    const { store, fill } = await setting();
    await fill();
    const all = await rowKeys();
    expect(await store.erase(user, 'u1', { holder: holderOf(1) })).toEqual({ rows: 4, files: 0 });
    expect(await rowKeys()).toEqual(all.filter((key) => !key.includes('u1')));
    for (const time of [NOW - 3_600_000, NOW + 1]) {
      const { rows, pairs } = await fill(time);
      expect(rows[0]).toBe('erased');
      expect(pairs.slice(0, 2)).toEqual(['erased', 'erased']);
      expect([...rows.slice(1), ...pairs.slice(2)]).not.toContain('erased');
    }
    expect(await rowKeys()).toEqual(all.filter((key) => !key.includes('u1')));
    expect(await online(store)).toEqual([null, 3, 3, 3]);
    for (const of of ['profile', 'affinity']) {
      const { found, kept } = await counted(of);
      expect(kept).toEqual(found);
    }
    expect((await store.stats()).views['profile']?.refused.erased).toBe(2);
  });

  it('is found as any part of composite ids, with whatever characters', async () => {
    const { store, fill } = await setting();
    await fill();
    const all = await rowKeys();
    await store.erase(product, 'p2', { holder: holderOf(1) });
    await store.erase(user, 'a/b%', { holder: holderOf(1) });
    const left = all.filter((key) => !key.endsWith('/p2') && !key.includes('a/b%') && !key.includes('a%2Fb'));
    expect(left).toHaveLength(all.length - 3 - 4);
    expect(await rowKeys()).toEqual(left);
    const { pairs, rows } = await fill(NOW + 1);
    expect(pairs.map((outcome) => outcome === 'erased')).toEqual([...'01010111'].map((each) => each === '1'));
    expect(rows.map((outcome) => outcome === 'erased')).toEqual([false, false, false, true]);
    expect(await rowKeys()).toEqual(left);
  });

  it('is in no training set at once, in no export, and in no file after compaction', async () => {
    const { dir, store, fill, exporter } = await setting();
    await fill();
    await exporter().run();
    await fill(NOW + 1);
    expect((await trained(store, dir))[0]).toEqual([2, 2]);
    await expect(store.erase(user, 'u1', { holder: holderOf(1) })).rejects.toThrow(/Rows .* were exported/);
    const { files } = await store.erase(user, 'u1', { holder: holderOf(1), dir });
    expect(files).toBeGreaterThan(0);
    const without = [
      [null, null],
      [2, 2],
      [2, 2],
      [2, 2],
    ];
    expect(await trained(store, dir)).toEqual(without);
    await exporter().run();
    expect(await trained(store, dir)).toEqual(without);
    expect(await client().xlen('{feat:shop.0}:log')).toBe(0);
    expect(await idsInFiles(dir)).toContain('u1');
    await exporter().compact({ grace: 0 });
    expect((await idsInFiles(dir)).filter((id) => id.includes('u1'))).toEqual([]);
    expect(await trained(store, dir)).toEqual(without);
    expect((await store.erase(user, 'u1', { holder: holderOf(1), dir })).files).toBe(0);
    expect(await exporter().compact({ grace: 0 })).toEqual({ replaced: 0, made: 0, deleted: 0 });
  });

  it('is taken again once it is restored, also with an older event time, and what was erased stays so', async () => {
    const { dir, store, fill, exporter } = await setting();
    await fill();
    await exporter().run();
    await fill(NOW + 1);
    await store.erase(user, 'u1', { holder: holderOf(1), dir });
    await store.restore(user, 'u1', { holder: holderOf(1), dir });
    expect(await online(store)).toEqual([null, 2, 2, 2]);
    expect((await trained(store, dir))[0]).toEqual([null, null]);
    const { rows } = await fill(NOW - 5);
    expect(rows[0]).toBe('accepted');
    const restored = [
      [3, 1],
      [2, 3],
      [2, 3],
      [2, 3],
    ];
    expect(await trained(store, dir)).toEqual(restored);
    await exporter().run();
    await exporter().compact({ grace: 0 });
    expect(await trained(store, dir)).toEqual(restored);
    await expect(store.restore(user, 'u9', { holder: holderOf(1), dir })).rejects.toThrow(/is not erased/);
  });

  it('is in no file of an export that comes after', async () => {
    const { dir, store, fill, exporter } = await setting();
    await fill();
    await store.erase(user, 'u1', { holder: holderOf(1) });
    await exporter().run();
    const ids = await idsInFiles(dir);
    expect(ids).toContain('u2');
    expect(ids.filter((id) => id.includes('u1'))).toEqual([]);
  });

  it('without an exporter: rows of the log are in no training set', async () => {
    const { store, fill } = await setting();
    await fill();
    await store.erase(user, 'u1', { holder: holderOf(1) });
    expect((await trained(store))[0]).toEqual([null, null]);
    await store.restore(user, 'u1', { holder: holderOf(1) });
    expect((await trained(store))[0]).toEqual([null, null]);
    await fill(NOW - 5);
    expect((await trained(store))[0]).toEqual([2, 1]);
  });

  it.each(['note', 'manifest', 'partitions'] as const)(
    'by a job that dies before it comes to %s: the next one finishes it, and a restoration, too',
    async (step) => {
      const { dir, store, fill, exporter } = await setting();
      await fill();
      await exporter().run();
      await fill(NOW + 1);
      const stop = new Error('stopped');
      const onStep = (at: string) => {
        if (at === step) throw stop;
      };
      const parts = partsOf(store);
      const erasing = { name: 'user:u1', claim: holderOf(1), dir };
      await expect(eraseEntity(parts, { ...erasing, onStep })).rejects.toBe(stop);
      if (step !== 'note') expect((await trained(store, dir))[0]).toEqual([null, null]);
      await exporter().run();
      await store.erase(user, 'u1', { holder: holderOf(2), dir });
      expect(await online(store)).toEqual([null, 2, 2, 2]);
      expect((await trained(store, dir))[0]).toEqual([null, null]);
      await expect(restoreEntity(parts, { ...erasing, claim: holderOf(2), onStep })).rejects.toBe(stop);
      await exporter().run();
      await store.restore(user, 'u1', { holder: holderOf(3), dir });
      await fill(NOW - 5);
      expect((await trained(store, dir))[0]).toEqual([3, 1]);
    },
  );

  it('stays erased where a server has its rows back', async () => {
    const { dir, store, fill, exporter } = await setting();
    await fill();
    await exporter().run();
    const keys = await client().keys('{feat:shop.*');
    const before = await Promise.all(keys.map((key) => client().dumpBuffer(key)));
    await store.erase(user, 'u1', { holder: holderOf(1), dir });
    await client().del('{feat:shop}:erasures');
    for (const key of await client().keys('{feat:shop.*')) await client().del(key);
    for (const [at, key] of keys.entries()) await client().restore(key, 0, before[at] as Buffer, 'REPLACE');
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await client().hset(`{feat:shop.${partition}}:record`, 'server', 'another');
    expect(await online(store)).toEqual([1, 1, 1, 1]);
    expect((await trained(store, dir))[0]).toEqual([null, null]);
    await exporter().run();
    expect(await online(store)).toEqual([null, 1, 1, 1]);
    const lane = await store.open(profile, {
      ...{ lane: 'new', rank: 9, holder: holderOf(9), renew: () => Promise.resolve() },
    });
    expect((await lane.land([{ id: 'u1', time: NOW + 9, values: { n: 9 } }])).outcomes).toEqual(['erased']);
  });

  it('is erased by the holder of the highest token alone', async () => {
    const { store, fill } = await setting();
    await fill();
    await store.erase(user, 'u2', { holder: holderOf(7) });
    for (const call of ['erase', 'restore'] as const) {
      await expect(store[call](user, 'u2', { holder: holderOf(6) })).rejects.toThrow(StaleTokenError);
      await expect(store[call](user, 'u2', { holder: holderOf(9, 'other') })).rejects.toThrow(
        IssuerMismatchError,
      );
    }
    await expect(store.erase(user, 'u1', { holder: holderOf(6) })).rejects.toThrow(StaleTokenError);
    expect(await online(store)).toEqual([1, null, 1, 1]);
    await expect(store.erase(pair as never, 'u1', { holder: holderOf(7) })).rejects.toThrow(MisuseError);
    await expect(store.erase(user, '', { holder: holderOf(7) })).rejects.toThrow(RowError);
    await expect(store.erase(user, 'u1', {} as never)).rejects.toThrow(MisuseError);
  });

  it('while an exporter is at work: at none of its steps it is left in an export', async () => {
    const { dir, store, fill, exporter } = await setting();
    await fill();
    await exporter().run();
    let isErased = false;
    let at = 0;
    for (let step = 0; ; step += 1) {
      const id = `v${step}`;
      const lane = await store.open(profile, { lane: 'batch', holder: holderOf(5) });
      await lane.land([{ id, time: NOW, values: { n: 1 } }]);
      [isErased, at] = [false, 0];
      await new Exporter({
        ...{ duckdb: duckdb(), dir, holder: holderOf(1), store: partsOf(store) },
        onStep: async () => {
          if (at++ !== step) return;
          isErased = true;
          await store.erase(user, id, { holder: holderOf(1), dir });
        },
      }).run();
      if (!isErased) break;
      await exporter().run();
      await exporter().compact({ grace: 0 });
      expect(await idsInFiles(dir)).not.toContain(id);
    }
    expect(at).toBeGreaterThan(5);
  });
});
