/**
 * `npm run bench -- features-served`: 100,000 answers of a service, and the training set that is made of the log afterwards: how
 * many of them differ.
 *
 * Guarantees: rows come late, twice and from two lanes while the service is read. Each answer is compared with its row of the
 * training set, feature by feature, those that are derived included.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { trainingSet } from '@holdfast/features/offline';
import { describe, rowsOf, writeLogFile } from '@holdfast/features/testing';
import { type Random, seededRandom } from '@holdfast/kernel';
import type { Redis } from 'ioredis';
import { number } from '../harness/report.js';
import { tableOf } from '../harness/results.js';
import { never } from '../harness/targets.js';
import { type Connection, openDuckDb, quoted } from './duckdb.js';
import { onStand, type Stand, usage } from './stand.js';

export const featuresServed = onStand({
  about: 'answers of a service, and the training set that has to be equal to them',
  title: 'Served and trained with',
  workloads: ['served'],
  rounds: 3,
  measure,
});

const DIFFERENT = 'answers that differ from the training set';
const PARTITIONS = 8;
const PER_READ = 50;
const PER_LANDING = 20;
const IDS = Array.from({ length: 500 }, (_, n) => `u${n}`);
const TTL = 3_600_000;

const profile = view('profile', {
  entity: entity('user'),
  ttl: TTL,
  fields: { n: t.int(), score: t.float64().optional(), tier: t.string() },
});
const ranking = service('ranking', {
  views: { profile },
  derive: (row) => ({ half: row['profile.n'] === null ? null : row['profile.n'] / 2 }),
});

type Answer = Readonly<Record<string, unknown>>;

interface Answered {
  readonly user: string;
  /** The server's time just after the answer, in microseconds. */
  readonly at: number;
  readonly answer: Answer;
}

const openStore = (redis: string) =>
  createFeatures({
    ...{ redis, name: 'bench', partitions: PARTITIONS, views: [profile], services: [ranking] },
  });

async function measure(stand: Stand) {
  const { rounds, progress, size } = stand.call;
  const reads = size ?? stand.pick(100_000, 2_000);
  const server = await stand.server();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-served-'));
  stand.later(() => rm(folder, { recursive: true, force: true }));
  const duckdb = await openDuckDb();
  stand.later(() => duckdb.closeSync());
  for (let round = 0; round < rounds; round += 1) {
    await server.redis.flushall();
    const began = performance.now();
    const { answered, outcomes } = await serve(server.url, server.redis, { reads, seed: round + 1 });
    const served = performance.now();
    const rows = await exportRows(server.redis, duckdb, folder);
    const exported = performance.now();
    const set = await trainOn(duckdb, folder, { answered, ...rows });
    const trained = performance.now();
    const different = answered.filter(({ answer }, at) => !isDeepStrictEqual({ ...answer }, set[at])).length;
    stand.note('served', 'Holdfast', {
      [DIFFERENT]: different,
      'answers without a row': answered.filter(({ answer }) => answer['profile.n'] === null).length,
      ...Object.fromEntries([...outcomes].map(([outcome, count]) => [`rows that were ${outcome}`, count])),
      'serving, s': (served - began) / 1_000,
      'writing the log to files, s': (exported - served) / 1_000,
      'making the training set and reading it, s': (trained - exported) / 1_000,
      'peak memory of the process, MB': usage().peak,
    });
    progress(`round ${round + 1} of ${rounds}: ${different} of ${answered.length} differ`);
  }
  return {
    targets: [never(DIFFERENT, stand.spread(DIFFERENT, 'Holdfast'))],
    tables: [
      tableOf(stand.results, {
        workload: 'served',
        about: `${number(reads)} answers, ${PER_READ} in a read, about ${number(IDS.length)} users; between two reads ${PER_LANDING} rows are landed in one of two lanes, some of them too old to be served, older than the one that is there, or as old. Median of the rounds (min–max).`,
        contestants: ['Holdfast'],
        isCompared: false,
      }),
    ],
    remarks: [
      'Joined as-served, by the time just after the answer. Rows are landed between reads, not during them, so the time tells what an answer had seen.',
    ],
  };
}

/** Rows are landed and read in turn. */
async function serve(
  url: string,
  redis: Redis,
  { reads, seed }: { readonly reads: number; readonly seed: number },
) {
  await using store = openStore(url);
  await store.apply();
  const random = seededRandom(seed);
  const below = (most: number): number => Math.floor(random.unit() * most);
  const holder = { token: 1, resource: 'bench', issuer: 'bench' };
  const lanes = [
    await store.open(profile, { lane: 'batch', holder }),
    await store.open(profile, { lane: 'stream', holder }),
  ];
  const outcomes = new Map<string, number>();
  const answered: Answered[] = [];
  while (answered.length < reads) {
    const rows = Array.from({ length: PER_LANDING }, () => rowOf(random));
    const landing = await lanes[below(2)]?.land(rows);
    for (const outcome of landing?.outcomes ?? []) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const users = Array.from({ length: PER_READ }, () => IDS[below(IDS.length)] ?? '');
    const answers = await store.get(
      ranking,
      users.map((user) => ({ user })),
    );
    const [seconds, micros] = await redis.time();
    const at = Number(seconds) * 1_000_000 + Number(micros);
    for (const [place, answer] of answers.entries())
      answered.push({ user: users[place] ?? '', at, answer: answer as Answer });
  }
  return { answered, outcomes };
}

function rowOf(random: Random) {
  const below = (most: number): number => Math.floor(random.unit() * most);
  return {
    id: IDS[below(IDS.length)] ?? '',
    // Of the last half a minute, to the second, so that many are equal; or so old that no measurement lasts until it is.
    time: Math.floor(Date.now() / 1_000 - below(30)) * 1_000 - (below(10) === 0 ? 2 * TTL : 0),
    values: { n: below(1_000), score: below(3) === 0 ? null : random.unit(), tier: `t${below(4)}` },
  };
}

async function exportRows(redis: Redis, duckdb: Connection, folder: string) {
  const files: string[] = [];
  const generations = new Set<string>();
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const prefix = `{feat:bench.${partition}}:`;
    const entries = await redis.xrangeBuffer(`${prefix}log`, '-', '+');
    const rows = [...rowsOf(entries, { partition, prefix, view: profile.name, epoch: '' })];
    for (const { generation } of rows) generations.add(generation);
    const file = join(folder, `${partition}.parquet`);
    await writeLogFile(duckdb, describe(profile), rows, file);
    files.push(file);
  }
  return { files, live: [...generations].map((generation) => ({ since: 0, generation })) };
}

interface Rows {
  readonly answered: readonly Answered[];
  readonly files: readonly string[];
  readonly live: readonly { readonly since: number; readonly generation: string }[];
}

/** The training set, a row for each answer, in their order. */
async function trainOn(duckdb: Connection, folder: string, { answered, files, live }: Rows) {
  const [lines, labels, out] = ['labels.jsonl', 'labels.parquet', 'set.parquet'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  await writeFile(lines, answered.map(({ user, at }) => JSON.stringify({ user, at })).join('\n'));
  const read = `read_json(${quoted(lines)}, columns = {'user': 'VARCHAR', 'at': 'BIGINT'}, format = 'newline_delimited')`;
  await duckdb.run(
    `COPY (SELECT "user", make_timestamp("at") AS "at" FROM ${read}) TO ${quoted(labels)} (FORMAT parquet)`,
  );
  await trainingSet({
    ...{ duckdb, service: ranking, labels: [labels], at: 'at', out },
    rows: { profile: { files, live } },
  });
  const set = await duckdb.runAndReadAll(`SELECT * EXCLUDE ("user", "at") FROM ${quoted(out)}`);
  return set.getRowObjectsJS().map((row) => ({
    ...row,
    'profile.n': row['profile.n'] === null ? null : Number(row['profile.n']),
  }));
}
