/** Training sets beside an oracle that looks at every row for each label. */
import { entity, t, view } from '@holdfast/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describe as described } from '../src/definition/stored.js';
import { filesOf, quoted } from '../src/offline/duckdb.js';
import { type Join, joinSql, numberedLabels } from '../src/offline/joins.sql.js';
import { type LoggedRow, writeLogFile } from '../src/offline/log-files.js';
import { RowEncoder } from '../src/row/encode.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';

useDuckDb();

const user = entity('user');
const profile = described(
  view('profile', {
    entity: user,
    ttl: 4,
    fields: {
      n: t.int(),
      score: t.float64().optional(),
      small: t.float32().optional(),
      vip: t.bool().optional(),
      tier: t.string().optional(),
      since: t.timestamp().optional(),
      taste: t.vector(2).optional(),
      steps: t.list().optional(),
    },
  }),
);
const encoder = new RowEncoder(profile);
const ORIGIN = { rank: 1, token: 7, turn: 0, source: 0, second: 0 };

/** Times of the test: microseconds after `BASE`, in which a TTL is 4000 long. */
const BASE = 1_767_225_600_000_000;

function rowOf(time: number, values: Record<string, unknown>, sequence = 0): Uint8Array {
  return encoder.seal(encoder.encode(BASE + time, values), { ...ORIGIN, sequence });
}

describe('a file of accepted rows', () => {
  it('has every value as it was written', async () => {
    const full = {
      ...{ n: 2 ** 53 - 1, score: -0.1, small: 0.5, vip: true, tier: "it's", since: new Date(1_234) },
      ...{ taste: Float32Array.of(1, -0.25), steps: [1, 2.5] },
    };
    const empty = {
      n: -1,
      score: null,
      small: null,
      vip: false,
      tier: '',
      since: null,
      taste: null,
      steps: [],
    };
    const place = { partition: 3, epoch: '1.abc', generation: '1-0', seat: 0 };
    const rows = [full, empty].map(
      (values, at): LoggedRow => ({ ...place, place: BASE + at, id: `u${at}`, row: rowOf(at, values) }),
    );
    const torn = { ...(rows[0] as LoggedRow), row: rows[0]?.row.subarray(0, 50) as Uint8Array };
    const file = fileFor('values.parquet');
    const report = await writeLogFile(duckdb(), profile, [...rows, torn], file);
    expect(report).toMatchObject({ rows: 2, torn: 1, unknown: 0 });
    const read = await duckdb().runAndReadAll(`SELECT * FROM ${quoted(file)} ORDER BY "@id"`);
    const origin = { '@partition': 3, '@epoch': '1.abc', '@generation': '1-0', '@rank': 1, '@token': 7n };
    const [one, other] = read.getRowObjectsJS();
    expect(one).toMatchObject({ ...full, n: BigInt(full.n), taste: [1, -0.25], ...origin });
    expect(one).toMatchObject({ '@id': 'u0', '@place': BigInt(BASE), '@time': BigInt(BASE), '@seat': 0 });
    expect(other).toMatchObject({ ...empty, n: -1n });
  });
});

/** A row as a store has accepted it. */
interface Accepted {
  readonly id: string;
  readonly generation: string;
  readonly time: number;
  readonly place: number;
  readonly seat: number;
  readonly n: number;
}

interface Label {
  readonly user: string;
  readonly at: number;
}

/** Rows that arrive, some of them late; those that a store accepts, in the order of its log. */
const anyLog = fc
  .array(
    fc.record({
      id: fc.constantFrom('u1', 'u2'),
      generation: fc.constantFrom('1-0', '2-5'),
      step: fc.constantFrom(0, 1, 50, 900),
      age: fc.constantFrom(-20, 0, 0, 3, 400, 2_500),
    }),
    { maxLength: 40 },
  )
  .map((arrivals) => {
    let place = 10_000;
    let seat = 0;
    const newest = new Map<string, number>();
    return arrivals.flatMap(({ id, generation, step, age }, n): Accepted[] => {
      place += step;
      seat = step === 0 ? seat + 1 : 0;
      const time = place - age;
      const key = `${generation}:${id}`;
      if (time < (newest.get(key) ?? 0)) return [];
      newest.set(key, time);
      return [{ id, generation, time, place, seat, n }];
    });
  });

const LIVE = [
  { since: 9_500, generation: '1-0' },
  { since: 13_000, generation: '2-5' },
];
const TTL = 4_000;

/** A log and labels, many of them at the very time at which a row arrives, happens or is too old. */
const anyCase = anyLog.chain((log) => {
  const moments = log.flatMap(({ time, place }) => [time, place, time + TTL]);
  const label = fc.record({
    user: fc.constantFrom('u1', 'u1', 'u2', 'u2', 'u3'),
    at: fc.oneof(fc.integer({ min: 9_000, max: 22_000 }), fc.constantFrom(9_500, 13_000, ...moments)),
  });
  return fc.record({ log: fc.constant(log), labels: fc.array(label, { minLength: 1, maxLength: 30 }) });
});

/** The row that a label should get. */
function expected(join: Join, log: readonly Accepted[], { user: id, at }: Label): number | null {
  const live = join === 'event-time' ? LIVE.at(-1) : LIVE.filter(({ since }) => since <= at).at(-1);
  const own = log.filter((row) => row.id === id && row.generation === live?.generation);
  const candidates = own.filter(
    ({ time, place }) => (join === 'event-time' || place <= at) && (join === 'as-served' || time <= at),
  );
  const last = candidates.at(-1); // in the order of the log, in which event times never fall
  return last !== undefined && last.time + TTL > at ? last.n : null;
}

describe.each<Join>(['as-served', 'event-time', 'known-at'])('a training set, joined %s', (join) => {
  it('has for each label the row that an oracle names', async () => {
    const files = { log: fileFor(`${join}.parquet`), labels: fileFor(`${join}-labels.parquet`) };
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ log, labels }) => {
        const rows = log.map(
          ({ id, generation, time, place, seat, n }): LoggedRow => ({
            ...{ partition: 0, epoch: '1.a', id, generation, seat, place: BASE + place },
            row: rowOf(time, { n }, n),
          }),
        );
        await writeLogFile(duckdb(), profile, rows, files.log);
        const values = labels.map(({ user: id, at }) => `(${quoted(id)}, make_timestamp(${BASE + at}))`);
        await duckdb().run(
          `COPY (SELECT * FROM (VALUES ${values.join(', ')}) l("user", "when")) TO ${quoted(files.labels)} (FORMAT parquet)`,
        );
        const sql = joinSql({
          ...{ labels: `(${numberedLabels([files.labels], 'when')})`, join, places: false },
          views: [
            {
              ...{ alias: 'p', parts: ['user'], fields: ['n', 'tier'], rows: filesOf([files.log]) },
              live: LIVE.map(({ since, generation }, at) => ({
                ...{ n: at + 1, since: BASE + since, generation, ttl: TTL / 1_000 },
              })),
              windows: undefined,
              isFlags: false,
              timelines: undefined,
            },
          ],
        });
        const joined = (await duckdb().runAndReadAll(sql)).getRowObjectsJS();
        const found = joined.map((row) => (row['p.n'] === null ? null : Number(row['p.n'])));
        const wanted = labels.map((label) => expected(join, log, label));
        expect(found).toEqual(wanted);
        expect(joined.map((row) => row['p@found'])).toEqual(wanted.map((n) => n !== null));
        expect(joined.map((row) => row['user'])).toEqual(labels.map((label) => label.user));
      }),
      { numRuns: 60 },
    );
  });
});
