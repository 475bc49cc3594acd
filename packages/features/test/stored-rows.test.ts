/** Training sets of a store, with rows in its logs and in the files of an exporter: each row once, wherever it is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, type Features, service, t, view } from '@holdfast/features';
import { trainingSet } from '@holdfast/features/offline';
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { quoted } from '../src/offline/duckdb.js';
import { Exporter, type ExporterParts } from '../src/offline/exporter.js';
import { partsOf, type StoreParts } from '../src/offline/parts.js';
import { rowsRelation } from '../src/offline/relations.js';
import { collectRows } from '../src/offline/stored-rows.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const PARTITIONS = 2;
const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const ranking = service('ranking', {
  views: { profile },
  derive: (row) => ({ next: row['profile.n'] === null ? -1 : row['profile.n'] + 1 }),
});
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'test', signal: new AbortController().signal },
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-stored-'));
  later(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function setting() {
  const dir = await folder();
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: PARTITIONS, views: [profile], services: [ranking] },
  });
  later(() => store.close());
  await store.apply();
  const lane = await store.open(profile, { lane: 'batch', holder: holderOf(5) });
  let n = 0;
  /** Lands rows with values from the last one on. */
  const land = async (count: number): Promise<void> => {
    const time = Date.now() - 60_000;
    const rows = Array.from({ length: count }, () => ({ id: `u${n % 5}`, time, values: { n: n++ } }));
    expect(new Set((await lane.land(rows)).outcomes)).toEqual(new Set(['accepted']));
  };
  return { dir, store, land };
}

const exporterOf = (store: StoreParts, dir: string, token: number, onStep: ExporterParts['onStep']) =>
  new Exporter({ duckdb: duckdb(), dir, holder: holderOf(token), store, ...(onStep && { onStep }) });

/** The values of all rows that a training set knows. */
async function known(store: StoreParts, dir: string): Promise<number[]> {
  const scratch = await folder();
  const stored = await collectRows({
    ...{ store, duckdb: duckdb(), dir, scratch, views: new Set(['profile']) },
  });
  expect(stored.lost).toEqual([]);
  const { sql } = await rowsRelation(duckdb(), profile, stored);
  const read = await duckdb().runAndReadAll(`SELECT n FROM ${sql} ORDER BY n`);
  return read.getRowObjectsJS().map(({ n }) => Number(n));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

interface Logged {
  readonly id: string;
  readonly place: object;
  readonly answer: object;
}

/** Reads all ids, and keeps what was answered with its place. */
async function read(store: Features, of: typeof ranking): Promise<Logged[]> {
  const ids = upTo(6).map((n) => ({ user: `u${n}` }));
  const answers = await store.get(of, ids, undefined, { meta: true, place: true });
  return answers.map(({ answer, views }, n) => ({
    ...{ id: `u${n}`, place: views.profile.place ?? {}, answer },
  }));
}

/** What a training set has for reads. */
async function trained(
  options: { store: Features; dir?: string; of?: typeof ranking },
  reads: readonly Logged[],
) {
  const { store, dir, of = ranking } = options;
  const values = reads.map(
    ({ id, place }) => `(${quoted(id)}, make_timestamp(1), ${quoted(JSON.stringify(place))})`,
  );
  const [labels, out] = [fileFor('stored-labels.parquet'), fileFor('stored-set.parquet')];
  await duckdb().run(
    `COPY (SELECT * FROM (VALUES ${values.join(', ')}) l("user", "when", "profile@place")) TO ${quoted(labels)} (FORMAT parquet)`,
  );
  const report = await trainingSet({
    ...{ duckdb: duckdb(), store, service: of, labels: [labels], at: 'when', out, places: true },
    ...(dir !== undefined && { dir }),
  });
  const set = await duckdb().runAndReadAll(`SELECT * EXCLUDE ("user", "when") FROM ${quoted(out)}`);
  const rows = set.getRowObjectsJS().map((row) => ({
    ...row,
    'profile.n': row['profile.n'] === null ? null : Number(row['profile.n']),
  }));
  return { report, rows };
}

describe('the rows that a training set knows', () => {
  it('are all that were accepted, each once, at whichever step an exporter has stopped', async () => {
    const { dir, store, land } = await setting();
    const parts = partsOf(store);
    await land(2);
    await exporterOf(parts, dir, 1, undefined).run();
    const reached = new Set<string>();
    for (let at = 0, total = 2; ; at += 1) {
      await land(4);
      total += 4;
      let steps = 0;
      const stop = new Error('stopped');
      const run = exporterOf(parts, dir, 10 + at, (step) => {
        if (steps++ < at) return;
        reached.add(step);
        throw stop;
      }).run();
      const isStopped = await run.then(
        () => false,
        (error: unknown) => error === stop,
      );
      expect(await known(parts, dir)).toEqual(upTo(total));
      if (!isStopped) break;
    }
    expect(reached).toEqual(new Set(['claim', 'write', 'rename', 'name', 'trim']));
  });

  it('are all that were accepted while one is at work', async () => {
    const { dir, store, land } = await setting();
    const parts = partsOf(store);
    await land(3);
    await exporterOf(parts, dir, 1, undefined).run();
    let looked = 0;
    let total = 3;
    for (let round = 0; round < 3; round += 1) {
      await land(8);
      total += 8;
      // Between any two steps of the exporter, and in the midst of its own reading.
      await exporterOf(parts, dir, 1, async () => {
        looked += 1;
        expect(await known(parts, dir)).toEqual(upTo(total));
      }).run();
    }
    expect(looked).toBeGreaterThan(10);
  });
});

describe('a training set of a store', () => {
  it('has what reads were answered, by their places: before and after an export, a TTL, and another generation', async () => {
    const { dir, store, land } = await setting();
    const reads = await read(store, ranking);
    await land(5);
    reads.push(...(await read(store, ranking)));
    await store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) }).run();
    await land(3);
    reads.push(...(await read(store, ranking)));
    // From now on all rows are too old.
    const shorter = view('profile', { entity: user, ttl: 1_000, fields: { n: t.int() } });
    const of = service('ranking', { views: { profile: shorter }, derive: ranking.derive as never }) as never;
    const other = createFeatures({
      ...{ redis: url(), name: 'shop', partitions: PARTITIONS, views: [shorter], services: [of] },
    });
    later(() => other.close());
    await other.apply({ force: true });
    const expired = await read(other, of);
    expect(expired[0]?.answer).toMatchObject({ 'profile.n': null, next: -1 });
    reads.push(...expired);
    await other.apply();
    const next = await other.begin(shorter, { holder: holderOf(8) });
    const lane = await other.open(shorter, { holder: holderOf(8), generation: next });
    await lane.land([
      { id: 'u1', time: Date.now() + 60_000, values: { n: 100 } },
      { id: 'u2', time: Date.now() - 60_000, values: { n: 200 } },
    ]);
    await next.cut({ lanes: { batch: 'ended' } });
    const ofNext = await read(other, of);
    expect(ofNext[1]?.answer).toMatchObject({ 'profile.n': 100 });
    expect(ofNext[2]?.answer).toMatchObject({ 'profile.n': null });
    reads.push(...ofNext);
    const { report, rows } = await trained({ store, dir }, reads);
    expect(rows).toEqual(reads.map(({ answer }) => answer));
    expect(report).toMatchObject({
      labels: reads.length,
      uncertain: { profile: 0 },
      lost: 0,
      otherTypes: [],
    });
  });

  it('counts the labels whose time is too near to a change', async () => {
    const { store, land } = await setting();
    await land(2);
    const next = await store.begin(profile, { holder: holderOf(8) });
    await next.cut({ lanes: { batch: 'ended' } });
    // When the catalog has noted it: this process may be slow.
    const [last] = await client().xrevrange('{feat:shop}:history', '+', '-', 'COUNT', 1);
    const now = Number(last?.[0].split('-')[0]) * 1_000;
    const labels = fileFor('near-labels.parquet');
    await duckdb().run(
      `COPY (SELECT 'u1' AS "user", make_timestamp(${now} + late) AS "when" FROM (VALUES (0), (60000000)) l(late)) TO ${quoted(labels)} (FORMAT parquet)`,
    );
    const report = await trainingSet({
      ...{ duckdb: duckdb(), store, service: ranking, labels: [labels], at: 'when' },
      out: fileFor('near-set.parquet'),
    });
    expect(report).toMatchObject({ labels: 2, without: { profile: 2 }, uncertain: { profile: 1 } });
  });

  it('says where a generation has a feature as another type, and where rows are lost', async () => {
    const { dir, store, land } = await setting();
    await land(5);
    const reads = await read(store, ranking);
    await store.exporter({ duckdb: duckdb(), dir: await folder(), holder: holderOf(1) }).run();
    await land(5);
    const asText = view('profile', { entity: user, fields: { n: t.string() } });
    const of = service('ranking', { views: { profile: asText } }) as never;
    const other = createFeatures({
      ...{ redis: url(), name: 'shop', partitions: PARTITIONS, views: [asText], services: [of] },
    });
    later(() => other.close());
    const { report, rows } = await trained({ store: other, of }, reads);
    expect(rows[0]).toEqual({ 'profile.n': null });
    expect(report).toMatchObject({ otherTypes: ['profile.n of generation 1-0'], lost: PARTITIONS });
    await expect(trained({ store: other, of, dir }, reads)).rejects.toThrow(/has no exported rows/);
  });

  it('is refused without a store or rows, for what is no store, and without history', async () => {
    const { store } = await setting();
    const options = { duckdb: duckdb(), service: ranking, labels: [], at: 'when', out: 'x.parquet' };
    await expect(trainingSet(options as never)).rejects.toThrow(MisuseError);
    await expect(trainingSet({ ...options, store: {} as Features })).rejects.toThrow(/createFeatures/);
    const silent = view('profile', { entity: user, history: false, fields: { n: t.int() } });
    const of = service('silent', { views: { silent } });
    await expect(trainingSet({ ...options, store, service: of })).rejects.toThrow(/history: false/);
  });
});
