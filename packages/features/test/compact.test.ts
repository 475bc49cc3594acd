/** Compaction of exported files: every row once, wherever it stops, and manifests that do not grow with the number of exports. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, t, view } from '@holdfast/features';
import { exportedRows } from '@holdfast/features/offline';
import { StaleTokenError } from '@holdfast/fence';
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { filesOf } from '../src/offline/duckdb.js';
import { Exporter, type ExporterParts } from '../src/offline/exporter.js';
import { latestManifest, makeManifest } from '../src/offline/manifest.js';
import { partsOf } from '../src/offline/parts.js';
import { duckdb, useDuckDb } from './duckdb.js';
import { later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const PARTITIONS = 2;
const profile = view('profile', { entity: entity('user'), fields: { n: t.int() } });
const wider = view('profile', {
  entity: profile.entity,
  fields: { n: t.int(), tier: t.string().optional() },
});
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'test', signal: new AbortController().signal },
});

async function setting() {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-compact-'));
  later(() => rm(dir, { recursive: true, force: true }));
  const open = (of: typeof profile | typeof wider) => {
    const store = createFeatures({ redis: url(), name: 'shop', partitions: PARTITIONS, views: [of] });
    later(() => store.close());
    return store;
  };
  const store = open(profile);
  await store.apply();
  const lane = await store.open(profile, { lane: 'batch', holder: holderOf(5) });
  let n = 0;
  const exporter = (token: number, onStep?: ExporterParts['onStep']) =>
    new Exporter({
      ...{ duckdb: duckdb(), dir, holder: holderOf(token), store: partsOf(store) },
      ...(onStep && { onStep }),
    });
  /** Lands rows, and exports them to files of their own. */
  const fill = async (rounds: number, token = 1): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const time = Date.now() - 60_000;
      await lane.land(Array.from({ length: 5 }, () => ({ id: `u${n % 5}`, time, values: { n: n++ } })));
      await exporter(token).run();
    }
  };
  return { dir, open, fill, exporter, landed: () => n };
}

/** The values of the rows that manifests name, in ascending order. */
async function exported(dir: string): Promise<number[]> {
  const { files } = await exportedRows(dir, 'profile');
  const read = await duckdb().runAndReadAll(`SELECT n FROM ${filesOf(files)} ORDER BY n`);
  return read.getRowObjectsJS().map(({ n }) => Number(n));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** The Parquet files that there are, named or not. */
const parquet = async (dir: string): Promise<string[]> =>
  (await readdir(dir, { recursive: true })).filter((path) => path.includes('.parquet'));

async function bytesOfManifests(dir: string): Promise<number> {
  const names = (await readdir(join(dir, '_manifest'), { recursive: true })).filter((each) =>
    each.endsWith('json'),
  );
  const sizes = await Promise.all(names.map((name) => stat(join(dir, '_manifest', name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

describe('compaction', () => {
  it('leaves one file of many, with every row, and deletes the others after the grace', async () => {
    const { dir, fill, exporter, landed } = await setting();
    await fill(5);
    expect(await parquet(dir)).toHaveLength(5 * PARTITIONS);
    expect(await exporter(1).compact()).toEqual({ replaced: 10, made: PARTITIONS, deleted: 0 });
    expect((await exportedRows(dir, 'profile')).files).toHaveLength(PARTITIONS);
    expect(await parquet(dir)).toHaveLength(6 * PARTITIONS);
    expect(await exporter(1).compact({ grace: 0 })).toEqual({ replaced: 0, made: 0, deleted: 10 });
    expect(await parquet(dir)).toHaveLength(PARTITIONS);
    expect(await exporter(1).compact({ grace: 0 })).toEqual({ replaced: 0, made: 0, deleted: 0 });
    await fill(1);
    expect(await exported(dir)).toEqual(upTo(landed()));
    await expect(exporter(1).compact({ grace: -1 })).rejects.toThrow(MisuseError);
  });

  it('makes one file of those before and after a feature was added', async () => {
    const { dir, open, fill, exporter } = await setting();
    await fill(1);
    const store = open(wider);
    await store.apply();
    const lane = await store.open(wider, { lane: 'other', holder: holderOf(5), rank: 9 });
    await lane.land(
      ['u1', 'u2', 'u3', 'u4', 'u5'].map((id, at) => ({
        id,
        time: Date.now(),
        values: { n: 5 + at, tier: 'gold' },
      })),
    );
    await exporter(1).run();
    await exporter(1).compact({ grace: 0 });
    const { files } = await exportedRows(dir, 'profile');
    const read = await duckdb().runAndReadAll(`SELECT n, tier FROM ${filesOf(files)} ORDER BY n`);
    expect(files).toHaveLength(PARTITIONS);
    expect(read.getRowObjectsJS().map(({ tier }) => tier)).toEqual([
      ...new Array(5).fill(null),
      ...new Array(5).fill('gold'),
    ]);
  });

  it('has every row once, at whichever step it stops, and the next one finishes it', async () => {
    const { dir, fill, exporter, landed } = await setting();
    const reached = new Set<string>();
    for (let at = 0; ; at += 1) {
      await fill(2, 10 + at);
      let steps = 0;
      const stop = new Error('stopped');
      const run = exporter(10 + at, (step) => {
        if (steps++ < at) return;
        reached.add(step);
        throw stop;
      }).compact({ grace: 0 });
      const isStopped = await run.then(
        () => false,
        (error: unknown) => {
          expect(error).toBe(stop);
          return true;
        },
      );
      expect(await exported(dir)).toEqual(upTo(landed()));
      if (!isStopped) break;
    }
    expect(reached).toEqual(new Set(['claim', 'delete', 'write', 'rename', 'name']));
    await exporter(99).compact({ grace: 0 });
    // What was left over by those that stopped is gone, too.
    const { files } = await exportedRows(dir, 'profile');
    expect((await parquet(dir)).map((path) => join(dir, path)).sort()).toEqual([...files].sort());
    expect(await exported(dir)).toEqual(upTo(landed()));
  });

  it.each(['write', 'rename', 'name', 'delete'] as const)(
    'that is deposed before it comes to %s changes nothing, and that of the same holder at one time loses nothing',
    async (step) => {
      const { dir, fill, exporter, landed } = await setting();
      await fill(3);
      for (const by of [2, 1]) {
        let isReached = false;
        const first = exporter(1, async (at) => {
          if (at !== step || isReached) return;
          isReached = true;
          await fill(1, 3 - by);
          await exporter(3 - by).compact({ grace: 0 });
        });
        const compacted = first.compact({ grace: 0 });
        if (by === 2) await compacted;
        else await expect(compacted).rejects.toThrow(StaleTokenError);
        expect(await exported(dir)).toEqual(upTo(landed()));
        if (by === 2) await fill(3);
      }
    },
  );

  it('keeps manifests as small as what they name, however many exports there were', async () => {
    const { dir, fill, exporter } = await setting();
    await fill(3);
    await exporter(1).compact({ grace: 0 });
    const after3 = await bytesOfManifests(dir);
    await fill(9);
    await exporter(1).compact({ grace: 0 });
    await fill(3);
    await exporter(1).compact({ grace: 0 });
    expect(await bytesOfManifests(dir)).toBeLessThan(1.5 * after3);
    const kept = await readdir(join(dir, '_manifest', '0'));
    expect(kept).toHaveLength(3);
  });
});

describe('a manifest', () => {
  it('is not made again under a number that was deleted', async () => {
    const { dir, fill } = await setting();
    await fill(6);
    const latest = await latestManifest(dir, 0);
    if (latest === undefined) throw new Error('no manifest');
    expect(latest.number).toBeGreaterThan(4);
    expect(await makeManifest(dir, { ...latest, number: 1, files: [] })).toBe(false);
    expect(await makeManifest(dir, { ...latest, files: [] })).toBe(false);
    expect(await latestManifest(dir, 0)).toEqual(latest);
  });
});
