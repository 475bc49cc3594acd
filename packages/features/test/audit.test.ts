/** Audits: logged reads beside what a training set has for them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, redisStream, service, t, view, windows } from '@holdfast/features';
import { audit, exportedRows, type LoggedRead } from '@holdfast/features/offline';
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { quoted } from '../src/offline/duckdb.js';
import { duckdb, useDuckDb } from './duckdb.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const user = entity('user');
const profile = view('profile', {
  entity: user,
  fields: { n: t.int(), small: t.float32(), since: t.timestamp(), taste: t.vector(2), steps: t.list() },
});
const clicks = windows('clicks', {
  entity: user,
  tile: 1_000,
  event: z.object({ user: z.string(), at: z.number(), what: z.string() }),
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({ count: on.count({ over: 60_000 }), recent: on.latest((e) => e.what, { n: 2 }) }),
});
const ranking = service('ranking', {
  views: { profile, clicks },
  request: z.object({ price: z.number() }),
  derive: (row, { price }) => ({ paid: row['profile.n'] === null ? null : row['profile.n'] * price }),
});
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'test', signal: new AbortController().signal },
});
const USERS = ['u1', 'u2', 'u3'];

/** A store with reads that were logged while it was written, half of which is exported. */
async function setting() {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
  later(() => rm(dir, { recursive: true, force: true }));
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: 2, views: [profile, clicks], services: [ranking] },
  });
  later(() => store.close());
  await store.apply();
  const lane = await store.open(profile, { lane: 'batch', holder: holderOf(5) });
  const stream = await store.open(clicks, { lane: 'stream', holder: holderOf(5) });
  stream.follow(redisStream({ redis: url(), streams: ['clicks'] }), (value) =>
    JSON.parse((value as { e: string }).e),
  );
  const log = join(dir, 'reads.jsonl');
  const lines: string[] = [];
  const exporter = store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) });
  for (let n = 0; n < 12; n += 1) {
    if (n === 6) await exporter.run();
    const values = { n, small: n / 3, since: new Date(n), taste: [n, 0.1], steps: [n, 1.5] };
    await lane.land([{ id: USERS[n % 2] ?? '', time: Date.now(), values }]);
    const e = { user: USERS[(n + 1) % 2], at: Date.now(), what: `k${n}` };
    await client().xadd('clicks', '*', 'e', JSON.stringify(e));
    if (n % 3 === 0) await vi.waitFor(() => expect(stream.stats().added).toBe(n + 1), 10_000);
    const ids = USERS.map((id) => ({ user: id }));
    const request = { price: n };
    const answers = await store.get(ranking, ids, request, { meta: true, place: true });
    answers.forEach((each, at) => {
      lines.push(JSON.stringify({ ids: ids[at], request, ...each }));
    });
  }
  await writeFile(log, lines.join('\n'));
  const read = async (): Promise<LoggedRead[]> =>
    (await readFile(log, 'utf8')).split('\n').map((line) => JSON.parse(line));
  return { dir, store, read, exporter };
}

describe('an audit', () => {
  it('finds every logged read equal to the training set', async () => {
    const { dir, store, read } = await setting();
    const reads = await read();
    const asked = { duckdb: duckdb(), store, dir, service: ranking };
    const equal = { reads: 36, equal: 36, erased: 0, different: 0, differences: [] };
    expect(await audit({ ...asked, reads })).toEqual(equal);
    async function* later(): AsyncIterable<LoggedRead> {
      yield* reads;
    }
    expect(await audit({ ...asked, reads: later() })).toEqual(equal);
  });

  it('tells each feature that differs, of an answer or of a file', async () => {
    const { dir, store, read } = await setting();
    const reads = await read();
    const [file = ''] = (await exportedRows(dir, 'profile')).files;
    await duckdb().run(
      `CREATE OR REPLACE TEMP TABLE changed AS SELECT * REPLACE (n + 100 AS n) FROM ${quoted(file)}`,
    );
    await duckdb().run(`COPY changed TO ${quoted(file)} (FORMAT parquet)`);
    const asked = { duckdb: duckdb(), store, dir, service: ranking };
    const found = await audit({ ...asked, reads });
    expect(found.different).toBeGreaterThan(0);
    expect(found.equal + found.different).toBe(36);
    const [first] = found.differences;
    expect(first?.feature).toBe('profile.n');
    expect(Number(first?.trained)).toBe(Number(first?.answered) + 100);
    expect(new Set(found.differences.map(({ feature }) => feature))).toEqual(new Set(['profile.n', 'paid']));
    expect((await audit({ ...asked, reads, most: 1 })).differences).toHaveLength(1);
  });

  it('tells an answer that was never given', async () => {
    const { dir, store, read } = await setting();
    const reads = await read();
    const last = reads.at(-2) as LoggedRead;
    const forged = { ...last, answer: { ...last.answer, 'clicks.count': 99, 'profile.taste': [1, 2] } };
    const told = await audit({
      ...{ duckdb: duckdb(), store, dir, service: ranking, reads: [...reads.slice(0, 3), forged] },
    });
    expect(told).toMatchObject({ reads: 4, equal: 3, different: 1 });
    expect(told.differences.map(({ read: at, feature }) => [at, feature]).sort()).toEqual([
      [3, 'clicks.count'],
      [3, 'profile.taste'],
    ]);
  });

  it('counts reads about entities that were erased since by themselves', async () => {
    const { dir, store, read, exporter } = await setting();
    await store.erase(user, 'u1', { holder: holderOf(1), dir });
    await exporter.run();
    const found = await audit({ duckdb: duckdb(), store, dir, service: ranking, reads: await read() });
    expect(found).toMatchObject({ reads: 36, different: 0 });
    expect(found.erased).toBeGreaterThan(8);
    expect(found.equal).toBe(36 - found.erased);
  });

  it('is refused for reads without a place', async () => {
    const { dir, store, read } = await setting();
    const [first] = await read();
    const reads = [{ ...first, views: { profile: {} } }] as LoggedRead[];
    const asked = { duckdb: duckdb(), store, dir, service: ranking, reads };
    await expect(audit(asked)).rejects.toThrow(/reads\[0\] has no place/);
    await expect(audit({ ...asked, most: 0 })).rejects.toThrow(MisuseError);
  });
});
