/**
 * `holdfast vectors`: what it says of indexes in a real Redis and does to them, as a user that has the rights that the README of
 * @holdfast/vectors lists for an operator. An index is opened by its name alone.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createIndex, type VectorIndex } from '@holdfast/vectors';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { main } from '../src/main.js';

/** Other indexes that tests name. */
const OTHERS = ['~{vectors:copy}:*', '~{vectors:none}:*'];

let nodes: LocalNodes;
let redis: Redis;
let folder: string;
let place: string;
let kb: VectorIndex;

beforeAll(async () => {
  nodes = await startNodes(1);
  redis = new Redis(nodes.urls[0] ?? '');
  folder = await mkdtemp(join(tmpdir(), 'holdfast-'));
});
beforeEach(async () => {
  await redis.flushall();
  const readme = readFileSync(new URL('../../vectors/README.md', import.meta.url), 'utf8');
  const rights = /^ACL SETUSER operator on >\S+ (.*)$/m.exec(readme)?.[1] ?? '';
  await redis.call('ACL', 'SETUSER', 'operator', 'reset', 'on', '>secret', ...rights.split(' '), ...OTHERS);
  const url = nodes.urls[0] ?? '';
  place = url.replace('redis://', 'redis://operator:secret@');
  kb = createIndex({ redis: url, name: 'kb', vectors: { dimensions: 2 } });
  await kb.ready();
  return () => kb.close();
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Calls `holdfast vectors` in this process. */
async function call(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' };
  const code = await main(['vectors', ...words], {
    env: { REDIS_URL: place },
    stdout: { write: (text) => (output.stdout += text) },
    stderr: { write: (text) => (output.stderr += text) },
    signals: new EventEmitter(),
    clock: systemClock,
  });
  return { code, ...output };
}

async function told(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await call(...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const json = async <T>(...words: string[]): Promise<T> => JSON.parse(await told(...words, '--json')) as T;

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const idsOf = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id);

test('says which indexes there are, what one holds, and finds documents in it', async () => {
  await kb.put({ id: 'a', vector: [1, 0], attributes: { kind: 'x', note: 'A\u001b[2J' } }, { time: 0 });
  await kb.put({ id: 'b', vector: [1, 1], attributes: { kind: 'x', price: 3 } });
  await kb.put({ id: 'c', vector: [0, 1], attributes: { kind: 'y' }, text: 'reset the password' });
  expect(await told('ls')).toMatch(/^kb +3 +default +2 cosine +1 +\d/m);
  expect(await json('ls')).toMatchObject([{ name: 'kb', entries: 3 }]);
  const stats = await told('stats', 'kb');
  expect(stats).toMatch(/^documents +3, read in /m);
  expect(stats).toMatch(/^problems +none$/m);
  expect(await json('stats', 'kb')).toMatchObject({ documents: 3, problems: [], vectors: { vectors: 3 } });
  const found = await told('search', 'kb', '--vector', '[1, 0]');
  expect(found).toMatch(/^(?:1\.0|0\.99)\d+ +a +1970-01-01T00:00:00.000Z +\{"kind":"x"/m);
  expect(found).not.toContain('\u001b');
  expect(idsOf(await json('search', 'kb', '--like', 'a', '--limit', '1'))).toEqual(['b']);
  const schema = ['--schema', 'kind=tag,price=number'];
  const filter = ['--filter', '{"kind": "x", "price": {"gt": 1}}'];
  expect(idsOf(await json('search', 'kb', '--vector', '[0, 1]', ...schema, ...filter))).toEqual(['b']);
  expect(idsOf(await json('search', 'kb', '--text', 'Password'))).toEqual(['c']);
  expect(idsOf(await json('search', 'kb', '--text', 'the pass'))).toEqual(['c']);
  expect(idsOf(await json('search', 'kb', '--text', 'pass'))).toEqual([]);
  expect(idsOf(await json('search', 'kb', '--text', 'pass', '--word-prefix'))).toEqual(['c']);
  expect(idsOf(await json('search', 'kb', '--text', 'pasword', '--typos'))).toEqual(['c']);
  await kb.put({ id: 'd', terms: { reset: 1 } });
  expect(await json('search', 'kb', '--terms', '{"reset": 0.5}')).toMatchObject([{ id: 'd', score: 0.5 }]);
});

test('refuses what it does not understand, and makes no index that is not there', async () => {
  const wrong: [string[], RegExp][] = [
    [['stats', 'none'], /no index "none"/],
    [['search', 'kb'], /give --vector, --like, --text or --terms/],
    [['search', 'kb', '--vector', '[1, 0]', '--typos'], /about the words of --text, which is missing/],
    [['search', 'kb', '--terms', '{"a": 64}'], /that of "a" is 64/],
    [['search', 'kb', '--like', 'a'], /no document "a"/],
    [['search', 'kb', '--vector', '[1]'], /2 dimensions; got 1/],
    [['search', 'kb', '--vector', '[1, 0]', '--filter', '{}'], /--filter needs --schema/],
    [['search', 'kb', '--vector', '[1, 0]', '--schema', 'kind=text'], /--schema is a list as/],
    [['import', 'kb', join(folder, 'none.csv')], /cannot be read/],
    [['import', 'kb', join(folder, 'x.txt')], /give --format/],
  ];
  for (const [words, message] of wrong) {
    const { code, stderr } = await call(...words);
    expect({ words, code, stderr }).toEqual({ words, code: 64, stderr: expect.stringMatching(message) });
  }
  expect(await redis.keys('*none*')).toEqual([]);
  const gone = await main(['vectors', 'ls', '--redis', 'redis://127.0.0.1:1'], {
    ...{ env: {}, stdout: { write: () => {} }, stderr: { write: () => {} } },
    ...{ signals: new EventEmitter(), clock: systemClock },
  });
  expect(gone).toBe(69);
});

test('exports all documents, and imports them as they were', async () => {
  const time = Date.now() - 60_000;
  await kb.put(
    {
      id: 'a',
      vectors: [
        [1, 0],
        [0, 1],
      ],
      attributes: { n: 1 },
      text: 'some words',
    },
    { time },
  );
  await kb.put({ id: 'b', attributes: { n: 2 } }, { time });
  const path = join(folder, 'kb.jsonl');
  expect(await told('export', 'kb', '--out', path)).toBe(`2 documents are in ${path}.\n`);
  expect(await told('export', 'kb')).toBe(await readFile(path, 'utf8'));
  const copy = createIndex({ redis: nodes.urls[0] ?? '', name: 'copy', vectors: { dimensions: 2 } });
  await copy.put({ id: 'b', attributes: { n: 3 } });
  expect(await json('import', 'copy', path, '--texts', 'text', '--time', 'time')).toEqual({
    ...{ written: 1, older: 1, refused: 0, before: 0, whole: true },
  });
  const all = [];
  for await (const document of copy.export()) all.push(document);
  await copy.close();
  expect(all).toMatchObject([
    { id: 'a', attributes: { n: 1 }, text: 'some words', time: new Date(time) },
    { id: 'b', attributes: { n: 3 } },
  ]);
  expect(all[0]?.vectors['']?.map((vector) => [...vector])).toEqual([
    [1, 0],
    [0, 1],
  ]);
});

test('reads positions, and writes them so that they are read again', async () => {
  const rows = [
    'id,office,vector',
    'a,"52.5, 13.4","[1, 0]"',
    'b,"{""lat"": -18, ""lon"": 178}",',
    'c,far away,',
    'd,"91,0",',
  ];
  const path = await fileOf('offices.csv', rows.join('\n'));
  const { code, stderr } = await call('import', 'kb', path, '--schema', 'office=geo');
  expect(code).toBe(1);
  expect(stderr).toMatch(/row 3 was left out: "far away" is no latitude and longitude/);
  expect(stderr).toMatch(/row 4 was left out: .*"office" of the document "d" is \{ lat, lon \}/);
  const near = [
    '--schema',
    'office=geo',
    '--filter',
    '{"office": {"near": {"lat": 52, "lon": 13, "radius": 99000}}}',
  ];
  expect(await told('export', 'kb', ...near)).toMatch(
    /^\{"id":"a",.*"office":\{"lat":52.5,"lon":13.4\}.*\}\n$/,
  );
  const out = join(folder, 'offices.jsonl');
  await told('export', 'kb', '--out', out);
  expect(await json('import', 'kb', out, '--schema', 'office=geo')).toMatchObject({ written: 2, refused: 0 });
  expect((await kb.get('b', { after: (await kb.put({ id: 'z' })).place }))?.attributes).toEqual({
    office: { lat: -18, lon: 178 },
  });
});

test('imports CSV and Parquet, tells what was left out, and goes on where it was', async () => {
  const rows = Array.from({ length: 600 }, (_, n) => `d${n},"[1, ${n}]",${n},x`);
  rows[7] = 'd7,"[1]",7,x';
  rows[8] = 'd8,[1';
  const path = await fileOf('rows.csv', ['id,vector,price,kind', ...rows].join('\n'));
  const first = await call('import', 'kb', path, '--schema', 'kind=tag,price=number');
  expect(first).toMatchObject({ code: 1, stdout: expect.stringMatching(/^598 documents are written/) });
  expect(first.stderr).toMatch(/row 8 was left out: .*2 dimensions; got 1/);
  expect(first.stderr).toMatch(/row 9 was left out: the row has 2 fields/);
  const again = await json('import', 'kb', path);
  expect(again).toMatchObject({ written: 0, refused: 0, before: 600 });
  await kb.noteProgress([...(await namesOf(path))].join(' '), 590);
  expect(await json('import', 'kb', path)).toMatchObject({ written: 10, before: 590 });
  const filter = ['--schema', 'kind=tag,price=number', '--filter', '{"price": 5, "kind": "x"}'];
  expect(idsOf(await json('search', 'kb', '--vector', '[1, 5]', ...filter))).toEqual(['d5']);
  const parquet = join(folder, 'rows.parquet');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT 'p' || i AS id, [i::FLOAT, 1.0::FLOAT] AS vector, i AS price FROM range(3) t(i)) TO '${parquet}' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  expect(await json('import', 'kb', parquet)).toMatchObject({ written: 3, refused: 0 });
  expect(
    (await kb.export({ ids: ['p2'], after: (await kb.put({ id: 'z' })).place } as never).next()).value,
  ).toMatchObject({
    ...{ id: 'p2', attributes: { price: 2 }, vectors: { '': [Float32Array.from([2, 1])] } },
  });
});

/** By what a file is recognised: its name, its size, and when it was changed. */
async function namesOf(path: string): Promise<string[]> {
  const { stat } = await import('node:fs/promises');
  const { size, mtimeMs } = await stat(path);
  return ['rows.csv', String(size), String(Math.floor(mtimeMs))];
}

test('checks what part of the nearest is found', async () => {
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => kb.put({ id: `d${n}`, vector: [Math.cos(n), Math.sin(n)] })),
  );
  expect(await told('check', 'kb', '--queries', '10', '--recall', '50')).toMatch(
    /^100 documents, 0 of them without vectors\n\d+\.\d % of the 10 nearest are found, over 10 searches/,
  );
  await redis.set('{vectors:kb}:doc:d1', 'something else');
  const { code, stdout } = await call('check', 'kb', '--json');
  expect({ code, problems: (JSON.parse(stdout) as { problems: string[] }).problems }).toEqual({
    ...{ code: 1, problems: [expect.stringMatching(/^1 documents were written in a way/)] },
  });
});
