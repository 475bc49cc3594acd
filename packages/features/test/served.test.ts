/** From end to end: what a training set has for a label is what the store has answered at that time. */
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { trainingSet } from '@holdfast/features/offline';
import { seededRandom } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { describe as described } from '../src/definition/stored.js';
import { quoted } from '../src/offline/duckdb.js';
import { rowsOf } from '../src/offline/log-entries.js';
import { writeLogFile } from '../src/offline/log-files.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const PARTITIONS = 3;
const TTL = 60_000;
const user = entity('user');
const profile = view('profile', {
  entity: user,
  ttl: TTL,
  fields: { n: t.int(), score: t.float64().optional(), tier: t.string(), taste: t.vector(2) },
});
const ranking = service('ranking', {
  views: { profile },
  derive: (row) => ({ half: row['profile.n'] === null ? null : row['profile.n'] / 2 }),
});
const IDS = Array.from({ length: 8 }, (_, at) => `u${at}`);

/** The server's time, in microseconds. */
async function serverTime(): Promise<number> {
  const [seconds, micros] = await client().time();
  return Number(seconds) * 1_000_000 + Number(micros);
}

/** Writes the logs of all partitions into files. */
async function exported(): Promise<{ readonly files: string[]; readonly generations: Set<string> }> {
  const files: string[] = [];
  const generations = new Set<string>();
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const prefix = `{feat:shop.${partition}}:`;
    const entries = await client().xrangeBuffer(`${prefix}log`, '-', '+');
    const rows = [...rowsOf(entries, { partition, prefix, view: 'profile', epoch: '' })];
    for (const { generation, epoch } of rows) {
      generations.add(generation);
      expect(epoch).toMatch(/^1\./);
    }
    const file = fileFor(`served-${partition}.parquet`);
    const report = await writeLogFile(duckdb(), described(profile), rows, file);
    expect(report).toMatchObject({ rows: rows.length, torn: 0, unknown: 0 });
    files.push(file);
  }
  return { files, generations };
}

describe('a training set, joined as-served', () => {
  it('has for every label what was answered, while rows come late, twice, and from two lanes', async () => {
    const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9);
    console.log(`repeat with: HOLDFAST_SEED=${seed} npx vitest run packages/features/test/served.test.ts`);
    const random = seededRandom(seed);
    const below = (most: number): number => Math.floor(random.unit() * most);
    const store = createFeatures({
      ...{ redis: url(), name: 'shop', partitions: PARTITIONS, views: [profile], services: [ranking] },
    });
    later(() => store.close());
    await store.apply();
    const holder = { token: 5, resource: 'profiles', issuer: 'test', signal: new AbortController().signal };
    const lanes = [
      await store.open(profile, { lane: 'batch', holder, rank: 1 }),
      await store.open(profile, { lane: 'stream', holder, rank: 2 }),
    ];
    const outcomes = new Map<string, number>();
    const answers: { readonly at: number; readonly id: string; readonly answer: object }[] = [];
    const begun = Date.now();
    for (let round = 0; round < 60; round += 1) {
      const rows = Array.from({ length: 1 + below(6) }, () => ({
        id: IDS[below(IDS.length)] as string,
        // Some are too old to be served, none so nearly that a few seconds decide.
        time: begun - 10_000 * (below(3) && below(9)) - 5_000 + (round >> 3),
        values: {
          n: below(1_000),
          score: below(3) === 0 ? null : random.unit(),
          tier: `t${below(4)}`,
          taste: [below(9), below(9)],
        },
      }));
      const landing = await lanes[below(2)]?.land(rows);
      for (const outcome of landing?.outcomes ?? []) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const asked = IDS.filter(() => below(2) === 0);
      const served = await store.get(
        ranking,
        asked.map((id) => ({ user: id })),
      );
      const at = await serverTime();
      served.forEach((answer, index) => {
        answers.push({ at, id: asked[index] as string, answer });
      });
    }
    expect(outcomes.get('older')).toBeGreaterThan(0);
    expect(outcomes.get('equal')).toBeGreaterThan(0);

    const { files, generations } = await exported();
    const values = answers.map(({ at, id }) => `(${quoted(id)}, make_timestamp(${at}))`).join(', ');
    const labels = fileFor('served-labels.parquet');
    await duckdb().run(
      `COPY (SELECT * FROM (VALUES ${values}) l("user", "at")) TO ${quoted(labels)} (FORMAT parquet)`,
    );
    const out = fileFor('served-set.parquet');
    expect(generations.size).toBe(1);
    const live = [...generations].map((generation) => ({ since: 0, generation }));
    const report = await trainingSet({
      ...{ duckdb: duckdb(), service: ranking, labels: [labels], at: 'at', out },
      rows: { profile: { files, live } },
    });
    const set = (await duckdb().runAndReadAll(`SELECT * FROM ${quoted(out)}`)).getRowObjectsJS();
    const trained = set.map(({ user: _, at: __, ...row }) => ({
      ...row,
      'profile.n': row['profile.n'] === null ? null : Number(row['profile.n']),
      'profile.taste': row['profile.taste'] && Float32Array.from(row['profile.taste'] as number[]),
    }));
    expect(trained).toEqual(answers.map(({ answer }) => answer));
    const isEmpty = ({ answer }: { readonly answer: object }) => Object(answer)['profile.n'] === null;
    expect(report).toMatchObject({
      labels: answers.length,
      without: { profile: answers.filter(isEmpty).length },
    });
    expect(answers.filter(isEmpty).length).toBeGreaterThan(0);
  });
});
