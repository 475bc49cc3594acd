/** Windows in training sets: beside an oracle that keeps every event, and beside what a store has answered. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFeatures, entity, service, t, view, windows } from '@holdfast/features';
import { trainingSet } from '@holdfast/features/offline';
import { seededRandom, type TokenHolder } from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { describe as described } from '../src/definition/stored.js';
import { filesOf, quoted } from '../src/offline/duckdb.js';
import { numberedLabels, windowsTable } from '../src/offline/joins.sql.js';
import { writeRawFile } from '../src/offline/log-files.js';
import { replayWindows } from '../src/offline/replay.js';
import { redisStream } from '../src/source/redis-stream.js';
import { contributionOf } from '../src/window/events.js';
import { writeAddition } from '../src/window/ring.js';
import { additionsOf } from './additions.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const TILE = 1_000;
const Event = z.object({ user: z.string(), at: z.number(), price: z.number(), what: z.string() });
const user = entity('user');
const clicks = windows('clicks', {
  entity: user,
  tile: TILE,
  lateness: 2 * TILE,
  ahead: 2 * TILE,
  event: Event,
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({
    count: on.count({ over: 4 * TILE }),
    spent: on.sum((e) => e.price, { over: 4 * TILE }),
    least: on.min((e) => e.price, { over: 2 * TILE }),
    last: on.last((e) => e.price, { over: 4 * TILE }),
    kinds: on.distinct((e) => e.what, { over: 4 * TILE }),
    recent: on.latest((e) => e.what, { n: 3 }),
  }),
});

const BASE = 1_767_225_600_000;

/** A call that brings events, or a label that asks; `after` is how much later than the one before, in ms. */
const anyStep = fc.record({
  after: fc.constantFrom(0, 1, 300, 1_000, 3_500),
  user: fc.constantFrom('u1', 'u2', 'é'),
  events: fc.array(
    fc.record({
      ago: fc.constantFrom(-1_900, -500, 0, 0, 10, 900, 3_000, 6_500, 12_000),
      price: fc.integer({ min: -50, max: 50 }),
      what: fc.constantFrom('a', 'bb', 'c', ''),
    }),
    { maxLength: 4 },
  ),
});

interface Kept {
  readonly user: string;
  readonly tile: number;
  readonly time: number;
  readonly sequence: number;
  readonly price: number;
  readonly what: string;
}

/** What a log would have, and what each label should get: by looking at every event that was not late. */
function simulate(steps: readonly (typeof anyStep extends fc.Arbitrary<infer S> ? S : never)[]) {
  const rows: { place: number; seat: number; id: string; row: Buffer }[] = [];
  const labels: { user: string; at: number; wanted: Record<string, unknown> | null }[] = [];
  const kept: Kept[] = [];
  const newest = new Map<string, number>();
  let [clock, sequence] = [BASE, 0];
  for (const { after, user: id, events } of steps) {
    clock += after;
    if (events.length === 0) {
      const own = kept.filter((each) => each.user === id);
      const now = Math.floor(clock / TILE);
      const within = (tiles: number) => own.filter(({ tile }) => tile <= now && tile > now - tiles);
      const later = (one: Kept, other: Kept) => other.time - one.time || other.sequence - one.sequence;
      const four = within(4);
      const two = within(2);
      const wanted = {
        count: four.length,
        spent: four.reduce((sum, { price }) => sum + price, 0),
        least: two.length === 0 ? null : Math.min(...two.map(({ price }) => price)),
        last: [...four].sort(later)[0]?.price ?? null,
        kinds: new Set(four.map(({ what }) => what)).size,
        recent: [...own]
          .sort(later)
          .slice(0, 3)
          .map(({ what }) => what),
      };
      labels.push({ user: id, at: clock, wanted: own.length === 0 ? null : wanted });
      continue;
    }
    clock += 1; // each call has a place of its own
    const contributions = events.map(({ ago, price, what }) => {
      const event = { user: id, at: clock - ago, price, what };
      return contributionOf(clicks, event, { source: 0, sequence: sequence++ }).contribution;
    });
    for (const [seat, addition] of additionsOf(clicks, contributions).entries()) {
      const { number } = addition.tile;
      if (number <= (newest.get(id) ?? -1) - clicks.tiles) continue;
      newest.set(id, Math.max(newest.get(id) ?? -1, number));
      rows.push({ place: clock * 1_000, seat, id, row: writeAddition(addition, clicks.plan) });
      for (const each of contributions) {
        const tile = Math.floor(each.time / (TILE * 1_000));
        const [price = 0] = each.numbers;
        const { time, sequence: place } = each;
        if (tile === number)
          kept.push({ user: id, tile, time, sequence: place, price, what: each.latest[0] ?? '' });
      }
    }
  }
  return { rows, labels };
}

describe('windows that are added up again', () => {
  it('have for each label what an oracle counts among all events', async () => {
    const files = { rows: fileFor('additions.parquet'), labels: fileFor('windows-labels.parquet') };
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 40 }), async (steps) => {
        const { rows, labels } = simulate(steps);
        if (labels.length === 0) return;
        const origin = { partition: 0, epoch: '1.a', generation: '1-0' };
        await writeRawFile(
          duckdb(),
          rows.map((each) => ({ ...origin, ...each })),
          files.rows,
        );
        const values = labels.map(({ user: id, at }) => `(${quoted(id)}, make_timestamp(${at * 1_000}))`);
        await duckdb().run(
          `COPY (SELECT * FROM (VALUES ${values.join(', ')}) l("user", "when")) TO ${quoted(files.labels)} (FORMAT parquet)`,
        );
        const names = Object.entries(clicks.fields);
        const joined = {
          ...{ alias: 'c', parts: ['user'], fields: names.map(([name]) => name) },
          rows: filesOf([files.rows]),
          live: [{ n: 1, since: 0, generation: '1-0', ttl: null }],
          windows: new Map([['1-0', described(clicks)]]),
          timelines: undefined,
          isFlags: false,
        };
        const features = names.map(([name, { aggregate }]) => ({ name: `c.${name}`, kind: aggregate.kind }));
        const numbered = `(${numberedLabels([files.labels], 'when')})`;
        await replayWindows(duckdb(), joined, features, {
          ...{ labels: numbered, join: 'as-served', places: false, views: [joined] },
        });
        const found = await duckdb().runAndReadAll(`SELECT * FROM ${windowsTable('c')} ORDER BY "@n"`);
        const rowsFound = found.getRowObjectsJS().map((row) => ({
          ...Object.fromEntries(
            names.map(([name]) => {
              const value = row[`c.${name}`];
              return [name, typeof value === 'bigint' ? Number(value) : value];
            }),
          ),
          found: row['c@found'],
        }));
        const none = Object.fromEntries(names.map(([name]) => [name, null]));
        expect(rowsFound).toEqual(
          labels.map(({ wanted }) => ({ ...(wanted ?? none), found: wanted !== null })),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('a training set with windows', () => {
  it('has for each read, by its place, what was answered: while events come, after an export, and in another generation', async () => {
    const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e9);
    console.log(`repeat with: HOLDFAST_SEED=${seed} npx vitest run packages/features/test/replay.test.ts`);
    const random = seededRandom(seed);
    const below = (most: number): number => Math.floor(random.unit() * most);
    const dir = await mkdtemp(join(tmpdir(), 'holdfast-replay-'));
    later(() => rm(dir, { recursive: true, force: true }));
    const profile = view('profile', { entity: user, fields: { n: t.float64() } });
    const ranking = service('ranking', {
      views: { clicks, profile },
      request: z.object({ price: z.number() }),
      derive: (row, { price }) => ({
        relative: row['clicks.spent'] === null ? null : price / (1 + Math.abs(row['clicks.spent'])),
        newest: row['clicks.recent']?.[0] ?? null,
      }),
    });
    const store = createFeatures({
      ...{ redis: url(), name: 'shop', partitions: 2, views: [clicks, profile], services: [ranking] },
    });
    later(() => store.close());
    await store.apply();
    const holder = (token: number): TokenHolder => ({
      ...{ token, resource: 'clicks', issuer: 'locks', signal: new AbortController().signal },
    });
    const users = ['u1', 'u2', 'u3', 'u4'];
    let count = 0;
    const fill = async (events: number): Promise<void> => {
      for (let n = 0; n < events; n += 1) {
        const e = {
          user: users[below(3)],
          at: Date.now() - below(3) * below(4_000),
          price: random.unit() * 10 - 5,
          what: `k${below(5)}`,
        };
        await client().xadd('events', `${++count}-0`, 'e', JSON.stringify(e));
      }
    };
    const source = () => redisStream({ redis: url(), streams: ['events'], most: 7 });
    const parse = (value: unknown): unknown => JSON.parse((value as { e: string }).e);
    const lane = await store.open(clicks, { lane: 'stream', holder: holder(1) });
    lane.follow(source(), parse);
    const rows = await store.open(profile, { lane: 'batch', holder: holder(1) });
    const answers: { label: string; answer: object }[] = [];
    const read = async (): Promise<void> => {
      const price = below(100);
      const ids = users.map((id) => ({ user: id }));
      const found = await store.get(ranking, ids, { price }, { meta: true, place: true });
      found.forEach(({ answer, views }, n) => {
        const places = [views.clicks.place, views.profile.place].map((place) =>
          quoted(JSON.stringify(place)),
        );
        answers.push({
          label: `(${[quoted(users[n] ?? ''), 'make_timestamp(1)', `${price}::DOUBLE`, ...places].join(', ')})`,
          answer,
        });
      });
    };
    const live = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        await fill(1 + below(12));
        await rows.land([{ id: users[below(4)] ?? '', time: Date.now(), values: { n: random.unit() } }]);
        await read();
      }
    };
    await live(15);
    await store.exporter({ duckdb: duckdb(), dir, holder: holder(1) }).run();
    await live(10);
    const next = await store.begin(clicks, { holder: holder(2) });
    const filling = await store.open(clicks, { lane: 'stream', holder: holder(2), generation: next });
    filling.follow(source(), parse);
    await next.cut({ lanes: { stream: 'same' } });
    await live(10);
    await vi.waitFor(() => expect(filling.stats().source?.[0]?.lag ?? 0).toBe(0), 10_000);
    await read();
    const [labels, out] = [fileFor('replay-labels.parquet'), fileFor('replay-set.parquet')];
    const columns = '("user", "when", price, "clicks@place", "profile@place")';
    await duckdb().run(
      `COPY (SELECT * FROM (VALUES ${answers.map(({ label }) => label).join(', ')}) l${columns}) TO ${quoted(labels)} (FORMAT parquet)`,
    );
    const report = await trainingSet({
      ...{ duckdb: duckdb(), store, dir, service: ranking, labels: [labels], at: 'when', out, places: true },
    });
    const set = await duckdb().runAndReadAll(`SELECT * EXCLUDE ("user", "when", price) FROM ${quoted(out)}`);
    const trained = set
      .getRowObjectsJS()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? Number(value) : value,
          ]),
        ),
      );
    expect(trained).toEqual(answers.map(({ answer }) => answer));
    expect(new Set(trained.map((row) => row['clicks.count'])).size).toBeGreaterThan(5);
    expect(report.without['clicks']).toBeGreaterThan(0);
    await lane.close();
    await filling.close();
    const asked = { duckdb: duckdb(), store, dir, service: ranking, labels: [labels], at: 'when', out };
    await expect(trainingSet({ ...asked, join: 'event-time' })).rejects.toThrow(/keep sums of events/);
  }, 30_000);
});
