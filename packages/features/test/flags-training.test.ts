/** Flags in exports and training sets: what was answered at the instant of a read, out of files and logs of a real store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit, exportedRows, trainingSet } from '@holdfast/features/offline';
import { expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { flags } from '../src/definition/flags.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { filesOf, quoted } from '../src/offline/duckdb.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const promos = flags('promos', { entity: user, flags: ['vip', 'spring'] });
const ranking = service('ranking', {
  views: { profile, promos },
  derive: (row) => ({ price: row['promos.vip'] ? 1 : 2 }),
});
const holderOf = (token: number) => ({
  ...{ token, resource: 'r', issuer: 'i', signal: new AbortController().signal },
});

async function setting() {
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: 2, views: [profile, promos], services: [ranking] },
  });
  later(() => store.close());
  await store.apply();
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-flags-'));
  later(() => rm(dir, { recursive: true, force: true }));
  const read: { user: string; now: number; place: string; answer: Record<string, unknown> }[] = [];
  /** Reads as a model does, and logs it; what is landed afterwards comes later than the read by the server's clock, too. */
  const log = async (...ids: string[]): Promise<void> => {
    const all = ids.map((id) => ({ user: id }));
    const answers = await store.get(ranking, all, undefined, { meta: true, place: true });
    for (const [at, { answer, views }] of answers.entries()) {
      const place = views.profile.place;
      read.push({ user: ids[at] ?? '', now: place?.now ?? 0, place: JSON.stringify(place), answer });
    }
    const isLater = async (): Promise<void> => {
      const [seconds = 0, micros = 0] = (await client().time()).map(Number);
      expect(seconds * 1e6 + micros).toBeGreaterThan(Math.max(...read.map(({ now }) => now)));
    };
    await vi.waitFor(isLater, { timeout: 5_000, interval: 1 });
  };
  /** What a training set has for what was read: by its places, or by its times. */
  const train = async (places: boolean) => {
    const [labels, out] = [fileFor('labels.parquet'), fileFor('flags.parquet')];
    const rows = read.map(
      ({ user: id, now, place }, at) =>
        `(${at}, ${quoted(id)}, make_timestamp(${places ? 0 : now}::BIGINT), ${quoted(place)})`,
    );
    await duckdb().run(
      `COPY (SELECT * FROM (VALUES ${rows.join(', ')}) t(number, "user", "at", "profile@place") ORDER BY number) TO ${quoted(labels)} (FORMAT parquet)`,
    );
    const report = await trainingSet({
      ...{ duckdb: duckdb(), store, dir, service: ranking, labels: [labels], at: 'at', out, places },
    });
    const found = await duckdb().runAndReadAll(`SELECT * FROM ${quoted(out)} ORDER BY number`);
    const names = ['promos.vip', 'promos.spring', 'price'];
    const answers = found.getRowObjectsJS().map((row) => names.map((name) => row[name]));
    return { report, answers, wanted: read.map(({ answer }) => names.map((name) => answer[name])) };
  };
  const run = (token = 1) => store.exporter({ duckdb: duckdb(), dir, holder: holderOf(token) }).run();
  return { store, dir, read, log, train, run };
}

it('a training set has the flags that were answered, out of files and logs, and through a cut', async () => {
  const { store, dir, read, log, train, run } = await setting();
  const lane = await store.open(promos, { holder: holderOf(1) });
  const rows = await store.open(profile, { holder: holderOf(1) });
  await rows.land(['7', '8'].map((id) => ({ id, time: Date.now(), values: { n: 1 } })));
  await log('7', '8');
  await lane.land([{ id: '7', values: { vip: true } }]);
  await log('7', '8');
  await lane.land([
    { id: '7', values: { spring: true } },
    { id: '8', values: { vip: true, spring: true } },
  ]);
  await log('7', '8', '40000');
  expect(await run()).toMatchObject({ undecoded: 0, lost: 0 });
  await lane.land([{ id: '7', values: { vip: false } }]);
  await log('7', '8');

  // A generation of its own, in which nothing is set but what its lane sets.
  const next = await store.begin(promos, { holder: holderOf(2) });
  const filling = await store.open(promos, { holder: holderOf(2), generation: next });
  await filling.land([{ id: '7', values: { vip: true } }]);
  await next.cut({ lanes: { batch: 'ended' } });
  await log('7', '8');

  for (const places of [true, false]) {
    const { report, answers, wanted } = await train(places);
    expect(answers).toEqual(wanted);
    expect(report).toMatchObject({ labels: read.length, without: { promos: 0 }, lost: 0 });
  }
  expect(new Set(read.map(({ answer }) => JSON.stringify(answer))).size).toBeGreaterThan(4);

  const { files } = await exportedRows(dir, 'promos');
  const exported = await duckdb().runAndReadAll(
    `SELECT "@id" AS id, vip, spring FROM ${filesOf(files)} ORDER BY "@place", "@seat"`,
  );
  expect(exported.getRowObjectsJS()).toEqual([
    { id: '7', vip: true, spring: null },
    { id: '7', vip: null, spring: true },
    { id: '8', vip: true, spring: true },
  ]);
  // By their places; flags are taken as they were answered.
  const reads = read.map(({ user: id, place, answer }) => ({
    ...{ ids: { user: id }, answer, views: { profile: { place: JSON.parse(place) as never } } },
  }));
  const audited = await audit({ duckdb: duckdb(), store, dir, service: ranking, reads });
  expect(audited).toMatchObject({ reads: read.length, equal: read.length, different: 0 });
  const none = service('none', { views: { promos } });
  const nothing = { duckdb: duckdb(), store, dir, service: none, reads: [] };
  await expect(audit(nothing)).rejects.toThrow(/nothing but flags/);
}, 60_000);

it('an entity that was erased has no flags in it, neither in files', async () => {
  const { store, dir, read, log, train, run } = await setting();
  const lane = await store.open(promos, { holder: holderOf(1) });
  await lane.land(['7', '8'].map((id) => ({ id, values: { vip: true } })));
  await log('7', '8');
  await run();
  await store.erase(user, '7', { holder: holderOf(2), dir });
  const { answers } = await train(false);
  expect(read.map(({ answer }) => answer['promos.vip'])).toEqual([true, true]);
  expect(answers.map(([vip]) => vip)).toEqual([false, true]);
  await store.exporter({ duckdb: duckdb(), dir, holder: holderOf(2) }).compact({ grace: 0 });
  const { files } = await exportedRows(dir, 'promos');
  const left = await duckdb().runAndReadAll(`SELECT "@id" AS id FROM ${filesOf(files)}`);
  expect(left.getRowObjectsJS()).toEqual([{ id: '8' }]);
  expect((await train(false)).answers.map(([vip]) => vip)).toEqual([false, true]);
});
