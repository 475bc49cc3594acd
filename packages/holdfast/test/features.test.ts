/**
 * `holdfast features`: what it says of a real store and does to it, as a user that has the rights that the README of
 * @holdfast/features lists, and no more. The store is opened by its name alone. That the command line is a process of its own,
 * other tests show.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFeatures, entity, type Features, redisStream, service, t, view } from '@holdfast/features';
import { systemClock, type TokenHolder } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../src/main.js';

const user = entity('user');
const profile = view('profile', {
  entity: user,
  owner: 'growth',
  fields: {
    n: t.int(),
    name: t.string().optional(),
    good: t.bool().optional(),
    at: t.timestamp().optional(),
  },
});
const seen = view('seen', {
  entity: entity('pair', [user, entity('product')]),
  fields: { taste: t.vector(2) },
});

let nodes: LocalNodes;
let redis: Redis;
let place: string;
let folder: string;
let store: Features;

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'another', signal: new AbortController().signal },
});

function rightsOf(user: string): string[] {
  const readme = readFileSync(new URL('../../features/README.md', import.meta.url), 'utf8');
  const line = new RegExp(`^ACL SETUSER ${user} on >\\S+ (.*)$`, 'm').exec(readme)?.[1] ?? '';
  return line.split(' ').filter((right) => right !== '-@all');
}

beforeAll(async () => {
  nodes = await startNodes(1);
  const url = nodes.urls[0] ?? '';
  redis = new Redis(url);
  folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
});
beforeEach(async () => {
  await redis.flushall();
  const url = nodes.urls[0] ?? '';
  const rights = ['operator', 'writer', 'exporter'].flatMap(rightsOf);
  await redis.call('ACL', 'SETUSER', 'operator', 'reset', 'on', '>secret', '-@all', ...rights);
  place = url.replace('redis://', 'redis://operator:secret@');
  const locks = createLocks({ nodes: [url] });
  await locks.initialize();
  await locks.close();
  store = createFeatures({ redis: url, name: 'shop', views: [profile, seen], partitions: 2 });
  await store.apply();
  return () => store.close();
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
  await rm(folder, { recursive: true, force: true });
});

const env = () => ({
  ...{ REDIS_URL: place, HOLDFAST_STORE: 'shop', HOLDFAST_NODES: nodes.urls[0] ?? '' },
  HOLDFAST_CALL_TIMEOUT: '20s',
});

/** Calls `holdfast features` in this process. */
function begin(words: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const output = { stdout: '', stderr: '' };
  const signals = new EventEmitter();
  const code = main(['features', ...words], {
    env: { ...env(), ...more },
    stdout: { write: (text) => (output.stdout += text) },
    stderr: { write: (text) => (output.stderr += text) },
    signals,
    clock: systemClock,
  });
  return {
    output,
    ended: code.then((it) => ({ code: it, ...output })),
    interrupt: () => signals.emit('SIGINT', 'SIGINT'),
  };
}

const call = (...words: string[]) => begin(words).ended;

async function told(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await call(...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function json<T = Record<string, unknown>>(...words: string[]): Promise<T> {
  return JSON.parse(await told(...words, '--json')) as T;
}

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const NOW = Date.now();

test('says what a store holds, of a view, and of an id', async () => {
  const lane = await store.open(profile, { holder: holderOf(7) });
  await lane.land([{ id: 'a', time: NOW - 60_000, values: { n: 3, name: 'A\u001b[2J', at: 0 } }]);
  await redis.xadd('s', '*', 'n', 'x');
  const stream = await store.open(profile, { holder: holderOf(7), lane: 'stream' });
  stream.follow(redisStream({ redis: nodes.urls[0] ?? '', streams: ['s'] }), () => {
    throw new Error('no row');
  });
  await vi.waitFor(() => expect(stream.stats()).toMatchObject({ refused: 1 }), 20_000);
  expect(await told('ls')).toMatch(/^profile +rows +user +1-0 +1 +6\d\S* +1 +0$/m);
  expect(await json('ls')).toMatchObject({
    views: [{ name: 'profile', rows: 1, deadLetters: 1 }, { name: 'seen' }],
  });
  const shown = await told('show', 'profile');
  expect(shown).toMatch(/^owner +growth$/m);
  expect(shown).toMatch(/^name +string +optional$/m);
  expect(shown).toMatch(/^1-0 +live +1$/m);
  const got = await told('get', 'profile', 'a');
  expect(got).toMatch(/^n +3$/m);
  expect(got).not.toContain('\u001b');
  expect(await json('get', 'profile', 'b')).toMatchObject({ reason: 'missing', values: { n: null } });
  expect(await told('lanes', 'profile')).toMatch(/^stream +30 +7 +another +s +\d/m);
  expect(await told('dead-letters', 'profile')).toMatch(/stream +0 +\S+ +no row/);
  expect(await told('metrics')).toContain('holdfast_features_rows{store="shop",view="profile"} 1\n');
  expect(await call('show', 'profil')).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/no view "profil"; it has profile, seen/),
  });
  expect(await call('ls', '--store', 'none', '--redis', nodes.urls[0] ?? '')).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/no feature store "none"/),
  });
  expect(await call('get', 'seen', 'u')).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/"user", "product"/),
  });
});

test('imports CSV and JSON lines, tells of rows that it leaves out, and takes in a file once', async () => {
  const csv = await fileOf(
    'rows.csv',
    `user,time,n,name,good\r\n1,${NOW},5,"A, ""B""\nC",true\n2,2026-01-31T12:00Z,x,,\n3,${NOW},7,\n\n4,${NOW},-8,D,0\n`,
  );
  const first = await call('import', 'profile', csv);
  expect(first.code).toBe(1);
  expect(first.stdout).toBe('2 rows landed, 0 were there or older, 2 were left out.\n');
  expect(first.stderr).toMatch(
    /row 2 was left out: .*values\.n is .*row 3 was left out: the row has 4 fields/s,
  );
  const [row] = await store.rows(profile, ['1']);
  expect(row).toMatchObject({
    time: new Date(NOW),
    values: { n: 5, name: 'A, "B"\nC', good: true, at: null },
  });
  expect((await store.rows(profile, ['4']))[0]?.values).toMatchObject({ n: -8, good: false });
  expect(await json('import', 'profile', csv)).toEqual({
    accepted: 0,
    older: 0,
    equal: 0,
    refused: 0,
    whole: true,
  });
  const letters = await json<{ value: string }[]>('dead-letters', 'profile');
  expect(letters.map(({ value }) => JSON.parse(value).number).sort()).toEqual([1, 2]);

  const lines = await fileOf(
    'rows.jsonl',
    `{"user":"u","product":"p","when":${NOW},"taste":[1,2]}\n{"user":"u"}\nnot JSON\n`,
  );
  const second = await call('import', 'seen', lines, '--time', 'when', '--finish');
  expect(second.stdout).toMatch(/^1 rows landed, .* 2 were left out/);
  expect((await store.rows(seen, [{ user: 'u', product: 'p' }]))[0]?.values.taste).toEqual(
    Float32Array.of(1, 2),
  );
  expect(await json('lanes', 'seen')).toMatchObject([{ lane: 'backfill', isFinished: true }]);

  const open = await fileOf('open.csv', 'user,time,n\n1,2,"3\n');
  expect(await call('import', 'profile', open)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/quote is not closed/),
  });
  expect(await call('import', 'profile', join(folder, 'none.csv'))).toMatchObject({ code: 64 });
  expect(await call('import', 'profile', csv, '--format', 'xml')).toMatchObject({ code: 64 });
});

test('an import that is broken off goes on where it was', async () => {
  const rows = Array.from({ length: 60_000 }, (_, n) => `{"user":"u${n}","time":${NOW},"n":${n}}\n`);
  const path = await fileOf('many.jsonl', rows.join(''));
  const going = begin(['import', 'profile', path, '--json']);
  await vi.waitFor(
    async () => expect((await store.stats()).views['profile']?.rows).toBeGreaterThan(0),
    20_000,
  );
  going.interrupt();
  const broken = await going.ended;
  const first = JSON.parse(broken.stdout);
  expect({ code: broken.code, whole: first.whole }).toEqual({ code: 1, whole: false });
  expect(first.accepted).toBeLessThan(60_000);
  const second = await json<{ accepted: number; whole: boolean }>('import', 'profile', path);
  expect(second.whole).toBe(true);
  expect(first.accepted + second.accepted).toBe(60_000);
  expect((await store.stats()).views['profile']?.rows).toBe(60_000);
}, 60_000);

test('exports rows, imports the Parquet files, and says how values are spread and have moved', async () => {
  const lane = await store.open(profile, { holder: holderOf(7) });
  const rowsOf = (time: number, by: number) =>
    Array.from({ length: 100 }, (_, n) => ({ id: `u${n}`, time, values: { n: n + by, name: 'x' } }));
  await lane.land(rowsOf(NOW - 7_200_000, 0));
  await lane.land(rowsOf(NOW, 1_000));
  const dir = join(folder, 'exported');
  expect(await json('export', '--dir', dir)).toMatchObject({ rows: 200, undecoded: 0, lost: 0 });
  expect(await told('export', '--dir', dir)).toMatch(/^0 rows are in 0 files/);
  expect(await json('profile', 'profile', '--dir', dir, '--from', '1h')).toMatchObject([
    { feature: 'good', nulls: 100 },
    { feature: 'n', count: 100, min: 1_000, max: 1_099, mean: 1_049.5 },
  ]);
  const [, n] = await json<{ psi: number; ks: number }[]>('drift', 'profile', '--dir', dir, '--from', '1h');
  expect(n?.ks).toBe(1);
  expect(n?.psi).toBeGreaterThan(1);
  expect(await told('drift', 'profile', '--dir', dir, '--from', '3h')).toMatch(/^n\s*$/m); // nothing before
  expect(await call('profile', 'seen', '--dir', dir)).toMatchObject({ code: 64 });
  expect(await call('drift', 'profile', '--dir', dir)).toMatchObject({ code: 64 });
  expect(await json('baseline', 'profile', '--dir', dir, '--to', '1h')).toMatchObject({
    features: { n: { count: 100, nulls: 0, mean: 49.5 } },
  });
  expect(await json('drift', 'profile')).toMatchObject({ rows: 100 });
  expect(await told('drift', 'profile')).toMatch(/^n +unknown +49.5 +10(49|50) +0 +0$/m); // too few to say anything
  expect(await told('baseline', 'profile', '--forget')).toContain('is forgotten');
  expect(await told('drift', 'profile')).toContain(
    'There is no baseline: "holdfast features baseline profile"',
  );
  expect(await call('drift', 'profile', '--from', '1h')).toMatchObject({ code: 64 });
  expect(await told('baseline', 'profile')).toMatch(/^n +100 +0 +1050$/m);

  const { DuckDBInstance } = await import('@duckdb/node-api');
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  const parquet = join(folder, 'rows.parquet');
  const select = `SELECT 'p' || i AS who, to_timestamp(${NOW / 1_000})::TIMESTAMP AS time, i AS n, i % 2 = 0 AS good FROM range(5000) r(i)`;
  await duckdb.run(`COPY (${select}) TO '${parquet}' (FORMAT parquet)`);
  duckdb.closeSync();
  expect(await json('import', 'profile', parquet, '--id', 'who')).toMatchObject({
    accepted: 5_000,
    refused: 0,
  });
  expect((await store.rows(profile, ['p4321']))[0]).toMatchObject({
    time: new Date(NOW),
    values: { n: 4_321, good: false },
  });
  expect(await json('import', 'profile', parquet, '--id', 'who')).toMatchObject({ accepted: 0, equal: 0 });
}, 60_000);

test('begins a generation, fills it from a file, cuts to it, rolls back, retires and sweeps', async () => {
  const id = (await told('begin', 'profile')).trim();
  expect(id).toMatch(/^2-\d+$/);
  const csv = await fileOf('next.csv', `user,time,n\na,${NOW},5\n`);
  expect(await told('import', 'profile', csv, '--generation', id, '--finish')).toMatch(/^1 rows landed/);
  await (await store.open(profile, { holder: holderOf(7) })).land([{ id: 'a', time: NOW, values: { n: 1 } }]);
  const refused = await call('cut', 'profile', id, '--lanes', 'batch=finished');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/"batch" has not finished/) });
  expect(await call('cut', 'profile', id)).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/has a lane "batch"/),
  });
  expect(await call('cut', 'profile', id, '--lanes', 'batch')).toMatchObject({ code: 64 });
  expect(await told('cut', 'profile', id, '--lanes', 'batch=ended')).toBe(
    `${id} of "profile" is read from now on.\n`,
  );
  expect(await json('get', 'profile', 'a')).toMatchObject({ values: { n: 5 } });
  expect(await json('rollback', 'profile', '--lanes', 'backfill=ended')).toEqual({ live: '1-0' });
  expect(await json('get', 'profile', 'a')).toMatchObject({ values: { n: 1 } });
  expect(await call('retire', 'profile', '1-0')).toMatchObject({ code: 64 });
  expect(await told('retire', 'profile', id)).toBe(`${id} has ended, and 1 rows were deleted.\n`);
  expect(await json('generations', 'profile')).toMatchObject([
    { id: '1-0', state: 'live', rows: 1 },
    { id, state: 'retired', rows: 0 },
  ]);
  await redis.set(`{feat:shop.0}:profile.${id}:left`, 'x');
  expect(await json('sweep', 'profile')).toEqual({ dropped: 1 });
  expect(await call('rollback', 'profile')).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/no previous/),
  });
}, 40_000);

test('whoever holds the lease has the work to itself, and a program may bring its definitions', async () => {
  const locks = createLocks({ nodes: [nodes.urls[0] ?? ''] });
  await locks.using('features:shop:profile', {}, async () => {
    expect(await call('begin', 'profile', '--wait', '0')).toMatchObject({ code: 75 });
  });
  await locks.close();
  const program = `import { createFeatures, entity, t, view } from '${import.meta.resolve('@holdfast/features')}';
const profile = view('profile', { entity: entity('user'), fields: { n: t.int(), more: t.int().optional() } });
export default { features: createFeatures({ redis: process.env.TEST_URL, name: 'shop', views: [profile], partitions: 2 }) };`;
  // A process loads it once; each call here is as one.
  const modules = await Promise.all(['one.mjs', 'two.mjs'].map((name) => fileOf(name, program)));
  const [module = '', another = ''] = modules;
  process.env['TEST_URL'] = nodes.urls[0] ?? '';
  const without = { HOLDFAST_STORE: '', REDIS_URL: '' };
  const applied = await begin(['apply', '--app', module, '--json'], without).ended;
  expect(applied).toMatchObject({ stderr: expect.stringMatching(/force/), code: 64 });
  const forced = await begin(['apply', '--app', another, '--json', '--force'], without).ended;
  expect(JSON.parse(forced.stdout)).toMatchObject({
    views: [{ view: 'profile', effect: expect.not.stringMatching('same') }],
  });
  expect(await json('show', 'profile')).toMatchObject({ fields: [{ name: 'more' }, { name: 'n' }] });
  expect(await call('apply')).toMatchObject({ code: 64, stderr: expect.stringMatching(/--app is missing/) });
  expect(await begin(['ls'], without).ended).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/--store is missing/),
  });
  expect(
    await call('ls', '--app', fileURLToPath(import.meta.url).replace('features.test', 'cli')),
  ).toMatchObject({ code: 64 });
});

test('abandons a generation that was never read, and says what is wrong meanwhile', async () => {
  const id = (await told('begin', 'profile')).trim();
  expect(await told('health')).toBe('Nothing is wrong.\n');
  await redis.hset('{feat:shop.1}:record', 'n', '0');
  const unwell = await call('health');
  expect(unwell).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^problem: partition 1 knows change 0/),
  });
  expect(await call('abandon', 'profile', '1-0')).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/is live/),
  });
  expect(await told('abandon', 'profile', id)).toBe(`${id} has ended, and 0 rows were deleted.\n`);
  expect(await json('health')).toMatchObject({ problems: [], views: { profile: { filling: [] } } });
});

test('erases an entity, alone and in composite ids, and takes it again', async () => {
  const lane = await store.open(profile, { holder: holderOf(7) });
  const pairs = await store.open(seen, { holder: holderOf(7) });
  const land = async (n: number) => (await lane.land([{ id: 'a', time: NOW + n, values: { n } }])).outcomes;
  await land(1);
  await pairs.land([{ id: { user: 'a', product: 'p' }, time: NOW, values: { taste: [1, 2] } }]);
  const dir = join(folder, 'erased');
  await told('export', '--dir', dir);
  expect(await call('erase', 'usr', 'a', '--dir', dir)).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/no view is about "usr"; there are user, product/),
  });
  expect(await told('erase', 'user', 'a', '--dir', dir)).toMatch(
    /^2 rows were deleted; 2 exported files may have some until "compact --grace 0"\.$/m,
  );
  expect(await json('get', 'profile', 'a')).toMatchObject({ reason: 'missing' });
  expect(await land(2)).toEqual(['erased']);
  expect(await told('compact', '--dir', dir, '--grace', '0')).toMatch(/\d/);
  expect(await json('erase', 'user', 'a', '--dir', dir)).toMatchObject({ rows: 0, files: 0 });
  expect(await told('restore', 'user', 'a', '--dir', dir)).toBe('Rows about it are taken again.\n');
  expect(await land(3)).toEqual(['accepted']);
  expect(await call('restore', 'user', 'b', '--dir', dir)).toMatchObject({ code: 64 });
}, 40_000);

test('makes a training set, audits logged answers, and answers as a service', async () => {
  const ranking = service('ranking', { views: { profile } });
  const program = createFeatures({
    ...{ redis: nodes.urls[0] ?? '', name: 'shop', partitions: 2 },
    ...{ views: [profile, seen], services: [ranking] },
  });
  await program.apply();
  const lane = await program.open(profile, { holder: holderOf(7) });
  await lane.land([{ id: 'a', time: NOW - 1_000, values: { n: 3 } }]);
  const [read] = await program.get(ranking, [{ user: 'a' }], undefined, { meta: true, place: true });
  await program.close();
  expect(await json('get', 'ranking', '{"user":"a"}')).toMatchObject({ values: { 'profile.n': 3 } });
  expect(await told('get', 'ranking', '{"user":"b"}')).toMatch(/^\(profile null because\) +missing$/m);

  const line = { ids: { user: 'a' }, ...read };
  const reads = await fileOf('reads.jsonl', `${JSON.stringify(line)}\n`);
  expect(await json('audit', 'ranking', '--reads', reads)).toMatchObject({
    reads: 1,
    equal: 1,
    different: 0,
  });
  const other = { ...line, answer: { ...read?.answer, 'profile.n': 4 } };
  const wrong = await fileOf('wrong.jsonl', `${JSON.stringify(line)}\n\n${JSON.stringify(other)}\n`);
  const audited = await call('audit', 'ranking', '--reads', wrong);
  expect(audited).toMatchObject({ code: 1, stderr: '' });
  expect(audited.stdout).toMatch(/2 reads: 1 equal, 0 about .*, 1 different/);
  expect(audited.stdout).toMatch(/^1 +\{"user":"a"\} +profile\.n +4 +3$/m);
  const torn = await fileOf('torn.jsonl', '{"ids"\n');
  expect(await call('audit', 'ranking', '--reads', torn)).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/torn\.jsonl", line 1/),
  });
  expect(await call('audit', 'ranking', '--reads', join(folder, 'none.jsonl'))).toMatchObject({ code: 64 });

  const { DuckDBInstance } = await import('@duckdb/node-api');
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  const labels = join(folder, 'labels.parquet');
  const out = join(folder, 'training.parquet');
  const time = (Date.now() + 2_000) / 1_000;
  await duckdb.run(
    `COPY (SELECT who AS "user", to_timestamp(${time})::TIMESTAMP AS at FROM (VALUES ('a'), ('b')) t(who)) TO '${labels}' (FORMAT parquet)`,
  );
  const trained = await told('train', 'ranking', '--labels', labels, '--out', out);
  expect(trained).toMatch(/^2 labels$/m);
  expect(trained).toMatch(/^profile +1 +\d$/m);
  const rows = await duckdb.runAndReadAll(`SELECT "profile.n" AS n FROM '${out}'`);
  expect(rows.getRowObjectsJS().map(({ n }) => n && Number(n))).toEqual([3, null]);
  duckdb.closeSync();
  expect(await call('train', 'rank', '--labels', labels, '--out', out)).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/no service "rank" is known; there is ranking@1/),
  });
  const by = ['train', 'ranking', '--labels', labels, '--out', out, '--join', 'outer'];
  expect(await call(...by)).toMatchObject({ code: 64, stderr: expect.stringMatching(/got "outer"/) });
}, 60_000);
