/** Training sets: the features of a service, those that it derives, and what is refused. */
import { entity, flags, service, t, view } from '@holdfast/features';
import { trainingSet } from '@holdfast/features/offline';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describe as described } from '../src/definition/stored.js';
import type { View } from '../src/definition/view.js';
import { quoted } from '../src/offline/duckdb.js';
import { writeLogFile } from '../src/offline/log-files.js';
import { RowEncoder } from '../src/row/encode.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';

useDuckDb();

const user = entity('user');
const pair = entity('pair', [user, entity('product')]);
const profile = view('profile', {
  entity: user,
  ttl: 60_000,
  fields: { age: t.int(), tier: t.string(), taste: t.vector(2), since: t.timestamp() },
});
const affinity = view('affinity', { entity: pair, fields: { score: t.float64() } });

const NOON = Date.UTC(2026, 0, 1, 12);
const LIVE = [{ since: 0, generation: '1-0' }];

/** Writes rows, each with its id and its time after noon, at which it arrives, too. */
async function write(of: View, rows: readonly (readonly [string, number, object])[]): Promise<string> {
  const stored = described(of);
  const encoder = new RowEncoder(stored);
  const logged = rows.map(([id, after, values], sequence) => {
    const time = (NOON + after) * 1_000;
    const origin = { rank: 1, token: 7, turn: 0, source: 0, sequence, second: 0 };
    const row = encoder.seal(encoder.encode(time, values), origin);
    return { partition: 0, epoch: '1.a', generation: '1-0', place: time, seat: 0, id, row };
  });
  const file = fileFor(`${of.name}.parquet`);
  await writeLogFile(duckdb(), stored, logged, file);
  return file;
}

async function labels(name: string, select: string): Promise<string> {
  const file = fileFor(`${name}.parquet`);
  await duckdb().run(`COPY (${select}) TO ${quoted(file)} (FORMAT parquet)`);
  return file;
}

const read = async (file: string) =>
  (await duckdb().runAndReadAll(`SELECT * FROM ${quoted(file)}`)).getRowObjectsJS();

const at = (after: number): string => `make_timestamp(${(NOON + after) * 1_000})`;

let files: { readonly profile: string; readonly affinity: string };

beforeAll(async () => {
  const [taste, since] = [[1, 0.5], new Date(5)];
  files = {
    profile: await write(profile, [
      ['u1', 0, { age: 30, tier: 'base', taste, since }],
      ['u1', 1_000, { age: 31, tier: 'gold', taste, since }],
    ]),
    affinity: await write(affinity, [['u1/a%2Fb', 500, { score: 0.25 }]]),
  };
});

const rows = () => ({
  p: { files: [files.profile], live: LIVE },
  a: { files: [files.affinity], live: LIVE },
});

describe('a training set', () => {
  it('has labels, features and what the service derives, as it is given when it serves', async () => {
    const given: unknown[] = [];
    const ranking = service('ranking', {
      views: { p: profile, a: affinity },
      request: z.object({ price: z.number().transform((price) => price * 2) }),
      derive: (row, request) => {
        given.push([row, request]);
        const age = row['p.age'];
        return { relative: age === null ? null : request.price / age, isGold: row['p.tier'] === 'gold' };
      },
    });
    const asked = await labels(
      'asked',
      `SELECT * FROM (VALUES ('u1', 'a/b', ${at(1_500)}, 62.0::DOUBLE, 1), ('u1', 'c', ${at(999)}, 15.0::DOUBLE, 0), ('u2', 'a/b', ${at(1_500)}, 1.0::DOUBLE, 0), ('u1', 'a/b', ${at(61_000)}, 1.0::DOUBLE, 1)) l("user", product, "when", price, bought)`,
    );
    const out = fileFor('set.parquet');
    const report = await trainingSet({
      ...{ duckdb: duckdb(), service: ranking, labels: [asked], at: 'when', out },
      rows: rows(),
    });
    expect(report).toMatchObject({ labels: 4, without: { p: 2, a: 2 }, uncertain: { p: 0, a: 0 } });
    const set = await read(out);
    expect(set.map((row) => [row['p.age'], row['a.score'], row['relative'], row['isGold']])).toEqual([
      [31n, 0.25, 4, true],
      [30n, null, 1, false],
      [null, null, null, false],
      [null, 0.25, null, false],
    ]);
    expect(Object.keys(set[0] ?? {})).toEqual([
      ...['user', 'product', 'when', 'price', 'bought'],
      ...['p.age', 'p.tier', 'p.taste', 'p.since', 'a.score', 'relative', 'isGold'],
    ]);
    const served = {
      ...{ 'p.age': 31, 'p.tier': 'gold', 'p.taste': Float32Array.of(1, 0.5), 'p.since': new Date(5) },
      'a.score': 0.25,
    };
    expect(given[0]).toEqual([served, { price: 124 }]);
  });

  it('goes by the place that a read answered, where it was logged', async () => {
    const ranking = service('ranking', { views: { p: profile } });
    const now = (NOON + 1_500) * 1_000;
    const place = JSON.stringify({
      ...{ partition: 0, at: `1.a ${(NOON + 500) * 1_000}`, id: 'u1', generation: '1-0', n: 1, now },
    });
    const asked = await labels(
      'placed',
      `SELECT * FROM (VALUES ('u1', ${at(1_500)}, ${quoted(place)}), ('u1', ${at(1_500)}, NULL)) l("user", "when", "p@place")`,
    );
    const out = fileFor('placed-set.parquet');
    await trainingSet({
      ...{ duckdb: duckdb(), service: ranking, labels: [asked], at: 'when', out, places: true },
      rows: { p: rows().p },
    });
    expect((await read(out)).map((row) => row['p.tier'])).toEqual(['base', 'gold']);
  });

  it('is its own where others are made at the same time over one connection', async () => {
    const ranking = service('ranking', { views: { p: profile } });
    const make = async (after: number): Promise<unknown> => {
      const asked = await labels(
        `at-${after}`,
        `SELECT * FROM (VALUES ('u1', ${at(after)})) l("user", "when")`,
      );
      const out = fileFor(`set-${after}.parquet`);
      await trainingSet({
        ...{ duckdb: duckdb(), service: ranking, labels: [asked], at: 'when', out },
        rows: { p: rows().p },
      });
      return (await read(out))[0]?.['p.tier'];
    };
    expect(await Promise.all([500, 1_500, 600, 1_600].map(make))).toEqual(['base', 'gold', 'base', 'gold']);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      'labels without a part of an id',
      async () => {
        const ranking = service('ranking', { views: { p: profile, a: affinity } });
        const asked = await labels('lacking', `SELECT 'u1' AS "user", ${at(0)} AS "when"`);
        const options = { duckdb: duckdb(), service: ranking, labels: [asked], at: 'when' };
        return trainingSet({ ...options, out: fileFor('x.parquet'), rows: rows() });
      },
      'The labels have no column "product"; they have user, when.',
    ],
    [
      'labels that are no request',
      async () => {
        const request = z.object({ price: z.number() });
        const ranking = service('ranking', { views: { p: profile }, request, derive: () => ({ x: 1 }) });
        const asked = await labels('priceless', `SELECT 'u1' AS "user", ${at(0)} AS "when", 'x' AS price`);
        const options = { duckdb: duckdb(), service: ranking, labels: [asked], at: 'when' };
        return trainingSet({ ...options, out: fileFor('x.parquet'), rows: { p: rows().p } });
      },
      'price: Invalid input',
    ],
    [
      'a feature that is derived with two types',
      async () => {
        const derive = (row: { 'p.age': number | null }) => ({ x: row['p.age'] === null ? 'none' : 1 });
        const ranking = service('ranking', { views: { p: profile }, derive });
        const asked = await labels(
          'mixed',
          `SELECT * FROM (VALUES ('u1', ${at(0)}), ('u2', ${at(0)})) l("user", "when")`,
        );
        const options = { duckdb: duckdb(), service: ranking, labels: [asked], at: 'when' };
        return trainingSet({ ...options, out: fileFor('x.parquet'), rows: { p: rows().p } });
      },
      'The derived feature "x" was a number before; got "none".',
    ],
    [
      'a view of another kind',
      () => {
        const promos = flags('promos', { entity: user, flags: ['vip'] });
        const options = { duckdb: duckdb(), labels: [], at: 'when', out: fileFor('x.parquet') };
        const ranking = service('ranking', { views: { promos } });
        return trainingSet({ ...options, service: ranking, rows: { promos: rows().p } });
      },
      '"promos" is a view of flags',
    ],
  ])('is refused for %s', async (_, make, message) => {
    await expect(make()).rejects.toThrow(message);
  });
});
