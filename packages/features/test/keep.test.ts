/** What is kept for how long, on a real Redis: entries of the log, generations, and claims of jobs that have died. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BusyError, MisuseError } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { type View, view } from '../src/definition/view.js';
import { GenerationEndedError } from '../src/errors.js';
import { createFeatures } from '../src/features.js';
import { forgetEnded } from '../src/generation/ended.js';
import { printGeneration } from '../src/generation/info.js';
import { sweep } from '../src/generation/sweep.js';
import { duckdb, useDuckDb } from './duckdb.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();
useDuckDb();

const user = entity('user');
const MINUTE = 60_000;
const fields = { entity: user, fields: { n: t.int() } };
const profile = view('profile', { ...fields, history: { keep: MINUTE } });
const holderOf = (token: number) => ({
  ...{ token, resource: 'r', issuer: 'i', signal: new AbortController().signal },
});
const record = '{feat:shop.0}:record';
const log = '{feat:shop.0}:log';

async function storeOf(...views: View[]) {
  const store = createFeatures({ redis: url(), name: 'shop', partitions: 1, views });
  later(() => store.close());
  await store.apply();
  return store;
}

/** Entries of so long ago, in ms, before any other. */
async function logged(ago: number, count = 300): Promise<void> {
  const first = Date.now() - ago;
  for (let n = 0; n < count; n += 1) await client().xadd(log, `${first}-${n}`, 'x', 'y'.repeat(100));
}

it('the log drops what is older than the longest time of a view, and tells exporters of it as lost', async () => {
  await logged(90_000);
  const store = await storeOf(profile);
  const longer = await storeOf(view('session', { ...fields, history: { keep: 2 * MINUTE } }));
  expect(await longer.trim()).toBe(0);
  await storeOf(view('session', { ...fields, history: true }));
  expect(await store.trim()).toBe(0);
  await storeOf(view('session', { ...fields, history: false }));
  const lane = await store.open(profile, { holder: holderOf(1) });
  await lane.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }]);
  const dropped = await store.trim();
  expect(dropped).toBeGreaterThan(100);
  const [first] = await client().xrange(log, '-', '+', 'COUNT', 1);
  const [ms = 0, rest = 0] = String(first?.[0]).split('-').map(Number);
  const [epoch, through] = String(await client().hget(record, 'trimmed')).split(' ');
  expect(Number(through)).toBe(ms * 1_000 + rest - 1);
  expect(epoch).toBe(await client().hget(record, 'epoch'));
  expect(await client().xlen(log)).toBe(300 + 2 - dropped); // one begins the epoch, one has the row

  const dir = await mkdtemp(join(tmpdir(), 'holdfast-keep-'));
  later(() => rm(dir, { recursive: true, force: true }));
  const exporter = store.exporter({ duckdb: duckdb(), dir, holder: holderOf(1) });
  expect(await exporter.run()).toMatchObject({ rows: 1, lost: 1 });
  expect(() => view('bad', { ...fields, history: { keep: 5 } })).toThrow(MisuseError);
});

it('names the epoch of the last entry that it has dropped', async () => {
  await logged(3 * MINUTE);
  const store = await storeOf(profile);
  const now = Date.now() * 1_000;
  const epochs = [`1.a ${now - 600 * 1e6}`, `2.b ${now - 170 * 1e6}`, `3.c ${now - 5 * 1e6}`];
  await client().hset(record, 'epochs', epochs.join(','));
  expect(await store.trim()).toBeGreaterThan(0);
  expect(await client().hget(record, 'trimmed')).toMatch(/^1\.a \d+$/);
  // A server that forgot begins another one, which is noted with the place of its first entry.
  await client().hset(record, 'server', 'another');
  await store.trim();
  const noted = String(await client().hget(record, 'epochs')).split(',');
  expect(noted.slice(0, 3)).toEqual(epochs);
  expect(noted[3]).toBe(String(await client().get('{feat:shop.0}:at')));
});

it('what an exporter has read stays until its time, and health tells of one that did not come back', async () => {
  await logged(90_000);
  const store = await storeOf(profile);
  const [partition] = openParts(1).partitions;
  const { claim, trim } = partition?.verbs ?? {};
  if (partition === undefined || claim === undefined || trim === undefined) throw new Error('no partition');
  const claimed = await partition.call(claim, { token: 5, issuer: 'i', epoch: '', through: 0, most: 10 });
  if (claimed.word !== 'claimed') throw new Error(claimed.word);
  expect(await store.trim()).toBe(0);
  expect((await store.health()).problems).toEqual([]);
  await client().hset(record, 'claimed', '5');
  expect((await store.health()).problems).toEqual([
    expect.stringMatching(/exporter with token 5 .* partition 0 .* run it again/),
  ]);
  const request = { token: 5, issuer: 'i', epoch: claimed.epoch, through: 1, ofLast: claimed.epoch };
  expect((await partition.call(trim, request)).word).toBe('trimmed');
  expect((await store.health()).problems).toEqual([]);
  expect(await store.trim()).toBeGreaterThan(0);
});

it('a generation that was not filled in time is ended by whoever begins another one', async () => {
  const store = await storeOf(profile);
  const first = await store.begin(profile, { holder: holderOf(8), abandonAfter: MINUTE });
  const lane = await store.open(profile, { holder: holderOf(8), generation: first });
  await lane.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }]);
  const due = `due:profile.${first.id}`;
  const catalog = '{feat:shop}:catalog';
  expect(Number(await client().hget(catalog, due))).toBeGreaterThan(Date.now() * 1_000);
  expect((await store.health()).problems).toEqual([]);
  await client().hset(catalog, due, '1000000');
  expect((await store.health()).problems).toEqual([
    expect.stringMatching(/generation 2-8 of the view "profile" was to be filled by 1970-/),
  ]);
  // Its own builder goes on with it, and has as long again.
  expect((await store.begin(profile, { holder: holderOf(8), abandonAfter: MINUTE })).id).toBe(first.id);
  expect((await store.health()).problems).toEqual([]);
  await client().hset(catalog, due, '1000000');
  const second = await store.begin(profile, { holder: holderOf(9) });
  const states = (await store.generations(profile)).map(({ id, state }) => `${id} ${state}`);
  expect(states).toEqual(['1-0 live', '2-8 retired', `${second.id} filling`]);
  expect(await client().keys('*:profile.2-8:*')).toEqual([]);
  await expect(lane.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }])).rejects.toThrow(
    GenerationEndedError,
  );
  const misspelt = { holder: holderOf(9), abandonAfter: 5 };
  await expect(store.begin(profile, misspelt)).rejects.toThrow(/abandonAfter/);
});

it('the one that was read before is kept as long as the cut says; once it has ended, its lanes are forgotten', async () => {
  const store = await storeOf(profile);
  const lane = await store.open(profile, { holder: holderOf(7) });
  await lane.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }]);
  const next = await store.begin(profile, { holder: holderOf(8) });
  await next.cut({ lanes: { batch: 'ended' }, keep: MINUTE });
  const old = await store.generation(profile, '1-0', { holder: holderOf(8) });
  await expect(old.retire()).rejects.toThrow(BusyError);
  await expect(old.retire()).rejects.toThrow(/kept by "previous" until/);
  await client().hset('{feat:shop}:catalog', 'pin:profile.1-0:previous', '5');
  const own = async (): Promise<string[]> =>
    (await client().hkeys(record)).filter((field) => /:profile\.1-0(?::|$)/.test(field));
  expect((await own()).length).toBeGreaterThan(3);
  expect(await old.retire()).toBe(1);
  expect(await own()).toEqual(['retired:profile.1-0']);
  await expect(store.open(profile, { holder: holderOf(9), generation: old })).rejects.toThrow(
    GenerationEndedError,
  );
});

it('generations that ended long ago are forgotten once nothing is left of them, and none of their lanes lands', async () => {
  const store = await storeOf(profile);
  const { catalog, partitions } = openParts(1);
  const claim = ['8', 'i'];
  const begin = async (): Promise<string> => {
    const [, , id = ''] = await catalog.change('begin', ['profile', ...claim, '{}', String(MINUTE)]);
    await catalog.mirror();
    return id;
  };
  const end = async (id: string): Promise<void> => {
    expect((await catalog.change('abandon', ['profile', id, ...claim]))[0]).toBe('done');
    const ended = await catalog.mirror();
    await sweep(partitions, printGeneration('profile', id));
    await forgetEnded(catalog, partitions, ended);
  };
  const first = await store.begin(profile, { holder: holderOf(8) });
  const row = { id: 'u1', time: Date.now(), values: { n: 1 } };
  const lane = await store.open(profile, { holder: holderOf(8), generation: first });
  await lane.land([row]);
  await end(first.id);
  for (let turn = 0; turn < 20; turn += 1) await end(await begin());
  const known = async () => {
    const fields = await client().hkeys('{feat:shop}:catalog');
    const noted = (await client().hkeys(record)).filter((field) => field.startsWith('retired:'));
    const ids = (await store.generations(profile)).map(({ id }) => id);
    const definitions = fields.filter((field) => field.startsWith('definition:profile.'));
    return { ids, definitions, noted: noted.length };
  };
  // The log has a row of the first one.
  const before = await known();
  expect(before.definitions).toEqual([`definition:profile.${first.id}`]);
  expect(before.ids.slice(0, 3)).toEqual(['1-0', first.id, '7-8']);
  await client().xtrim('{feat:shop.0}:log', 'MAXLEN', 0);
  const last = await begin();
  await end(last);
  const after = await known();
  expect(after.definitions).toEqual([]);
  expect(after.ids).toEqual(['1-0', ...Array.from({ length: 16 }, (_, place) => `${place + 8}-8`)]);
  expect(after.noted).toBeLessThan(20);
  await expect(lane.land([row])).rejects.toThrow(GenerationEndedError);
  await (await store.open(profile, { holder: holderOf(7) })).land([row]);
  const next = await store.begin(profile, { holder: holderOf(8) });
  await (await store.open(profile, { holder: holderOf(8), generation: next })).land([row]);
});
