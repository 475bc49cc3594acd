/** Operating an index: which there are, one by its name alone, its documents as they lie in Redis, what is wrong with it, and rights. */
import { readFileSync } from 'node:fs';
import { MisuseError, seededRandom, UnavailableError } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { checkRecall, createIndex, listIndexes, openIndex } from '../src/index.js';
import { client, holderOf, idsOf, later, node, server, url, useRedis } from './setting.js';

useRedis();
const EAST = [1, 0, 0];

/** Directions that follow from a seed. */
function directions(count: number, dimensions: number): number[][] {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => Array.from({ length: dimensions }, () => random.unit() - 0.5));
}

describe('what Redis says of indexes', () => {
  it('lists them, and opens one by its name, as it was made', async () => {
    const kb = server({ prefix: 'east:', vectors: { dimensions: 3, metric: 'l2', model: 'm1' } });
    await kb.put({ id: 'a', vector: EAST, attributes: { kind: 'x' } });
    await kb.delete('b');
    const named = { title: { dimensions: 3 }, body: { dimensions: 2, model: 'm2', metric: 'ip' } } as const;
    const other = server({ prefix: 'east:', name: 'other', vectors: named });
    await other.put({ id: 'c', vectors: { body: [1, 0] } });
    await server({ name: 'elsewhere' }).put({ id: 'a' });
    const found = await listIndexes({ redis: url(), prefix: 'east:' });
    expect(found).toMatchObject([
      {
        name: 'kb',
        entries: 2,
        model: 'm1',
        generations: 1,
        vectors: { '': { dimensions: 3, metric: 'l2' } },
      },
      { name: 'other', entries: 1, vectors: { body: { dimensions: 2, metric: 'ip' } } },
    ]);
    expect(Math.abs(found[0]!.written.getTime() - Date.now())).toBeLessThan(60_000);
    const place = { redis: url(), prefix: 'east:' };
    const opened = await openIndex({ ...place, name: 'kb', schema: { kind: 'tag' }, recall: 0.9 });
    later(() => opened.close());
    expect(idsOf(await opened.search({ vector: EAST, filter: { kind: 'x' } }))).toEqual(['a']);
    const second = await openIndex({ ...place, name: 'other' });
    later(() => second.close());
    expect(idsOf(await second.search({ vectors: { body: [1, 0] } }))).toEqual(['c']);
  });

  it('makes none that is not there', async () => {
    await expect(openIndex({ redis: url(), name: 'none' })).rejects.toThrow(/no index "none"/);
    await expect(openIndex({ redis: url(), name: 'none' })).rejects.toThrow(MisuseError);
    expect(await client().dbsize()).toBe(0);
    expect(await listIndexes({ redis: url() })).toEqual([]);
    await expect(listIndexes({ redis: 'redis://127.0.0.1:1', callTimeout: 2_000 })).rejects.toThrow(
      UnavailableError,
    );
  });
});

describe('an export', () => {
  it('has every document that matches, with its vectors and text, in the order of ids', async () => {
    const kb = server({ schema: { kind: 'tag' }, keywords: {} });
    await kb.put(
      { id: 'b', vectors: [EAST, [0, 1, 0]], text: 'words', attributes: { kind: 'x' } },
      { time: 5 },
    );
    await kb.put({ id: 'a', attributes: { kind: 'x', n: 1 } }, { ttl: 3_600_000 });
    await kb.put({ id: 'c', vector: EAST, attributes: { kind: 'y' } });
    await kb.delete('d');
    const documents = [];
    for await (const each of kb.export({ filter: { kind: 'x' } })) documents.push(each);
    expect(documents).toEqual([
      { id: 'a', attributes: { kind: 'x', n: 1 }, text: undefined, vectors: { '': [] }, ...anyTimes },
      {
        ...{ id: 'b', attributes: { kind: 'x' }, text: 'words', time: new Date(5), expires: undefined },
        vectors: { '': [Float32Array.from(EAST), Float32Array.from([0, 1, 0])] },
      },
    ]);
  });

  it('goes on while documents are deleted', async () => {
    const kb = server();
    await Promise.all(directions(600, 3).map((vector, n) => kb.put({ id: `d${1000 + n}`, vector })));
    const { place } = await kb.put({ id: 'last', vector: EAST });
    const ids: string[] = [];
    for await (const { id } of kb.export({ after: place, wait: 20_000 })) {
      if (ids.push(id) === 1) await kb.delete('d1400');
    }
    expect(ids).toHaveLength(600);
    expect(ids).not.toContain('d1400');
  });
});

const anyTimes = { time: expect.any(Date), expires: expect.any(Date) };

describe('the progress of an import', () => {
  it('is noted beside the documents, and forgotten with them', async () => {
    const [kb, other] = [server(), server()];
    expect(await kb.progress('file')).toBe(0);
    await kb.noteProgress('file', 512);
    await kb.noteProgress('another file', 1);
    expect(await other.progress('file')).toBe(512);
    await client().flushall();
    expect(await kb.progress('file')).toBe(0);
    await expect(kb.noteProgress('file', -1)).rejects.toThrow(/"count".*-1/);
  });
});

describe('the health of an index', () => {
  it('is said in words: what was not read, cannot be read, or does not fit', async () => {
    const kb = server({ keywords: { memory: 2 ** 20 } });
    expect(kb.health().problems).toEqual([expect.stringMatching(/not everything was read/)]);
    await kb.put({ id: 'a', vector: EAST });
    await kb.ready();
    expect(kb.health()).toEqual({ problems: [] });
    const words = (n: number): string =>
      Array.from({ length: 60_000 }, (_, at) => `word${n}x${at}`).join(' ');
    for (let n = 0; n < 3; n += 1) await kb.put({ id: `d${n}`, vector: EAST, text: words(n) });
    const { place: after } = await kb.put({ id: 'e', vector: EAST, text: 'small' });
    await expect(kb.search({ vector: EAST, after, wait: 60_000 })).rejects.toThrow(
      /memory is full, and \d documents are not applied/,
    );
    expect(kb.health().problems).toEqual([
      expect.stringMatching(/memory is full: \d documents are not found/),
    ]);
    // Searches go on, and deletions take effect.
    expect(idsOf(await kb.search({ vector: EAST }))).toEqual(['a', 'd0', 'd1', 'd2', 'e']);
    await client().set('{vectors:kb}:doc:a', 'something else');
    await client().zadd('{vectors:kb}:log', String(Number(after.split('@')[1]) + 1), 'a');
    for (const id of ['d0', 'd1', 'd2', 'e']) await kb.delete(id);
    await expect
      .poll(() => kb.health().problems, { timeout: 60_000 })
      .toEqual([expect.stringMatching(/^1 documents were written in a way that cannot be read/)]);
  });

  it('says that Redis does not answer', async () => {
    const kb = server({ callTimeout: 200 });
    await kb.put({ id: 'a', vector: EAST });
    await kb.ready();
    node().freeze();
    later(() => node().thaw());
    await expect
      .poll(() => kb.health().problems, { timeout: 20_000 })
      .toEqual([expect.stringMatching(/cannot be read: .*did not answer/)]);
    expect(idsOf(await kb.search({ vector: EAST }))).toEqual(['a']);
    node().thaw();
    await expect.poll(() => kb.health().problems, { timeout: 20_000 }).toEqual([]);
  });
});

describe('a check', () => {
  it('compares what searches find with all vectors', async () => {
    const kb = server({ vectors: { dimensions: 16 } });
    const vectors = directions(400, 16);
    await Promise.all(vectors.map((vector, n) => kb.put({ id: `d${n}`, vector })));
    await kb.put({ id: 'none' });
    await kb.ready();
    const random = seededRandom(3);
    const report = await checkRecall(kb, { queries: 20, random });
    expect(report).toMatchObject({ documents: 401, withoutVectors: 1, queries: 20 });
    expect(report.recall).toBeGreaterThan(0.97);
    expect(report.p99).toBeGreaterThanOrEqual(report.p50);
    // A search that looks at few of them is found out.
    const blind = {
      ...kb,
      shapes: kb.shapes,
      export: () => kb.export(),
      search: () => kb.search({ vector: vectors[0]! }),
    };
    expect((await checkRecall(blind as never, { queries: 20, random })).recall).toBeLessThan(0.5);
  });
});

describe('the rights that the README lists', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

  /** The address for a user with the rights of a role. */
  async function as(role: string): Promise<string> {
    const line = new RegExp(`^ACL SETUSER ${role} on >\\S+ (.*)$`, 'm').exec(readme)?.[1] ?? '';
    await client().call('ACL', 'SETUSER', role, 'reset', 'on', '>secret', ...line.split(' '));
    later(() => client().call('ACL', 'DELUSER', role));
    return url().replace('redis://', `redis://${role}:secret@`);
  }

  it('are enough for who searches, writes and operates, and no more', async () => {
    await client().call('ACL', 'LOG', 'RESET');
    const writer = server({ redis: await as('writer'), tombstones: 1_000 });
    await writer.put({ id: 'a', vector: EAST }, { time: 5, ttl: 60_000, holder: holderOf(7) });
    await writer.put({ id: 'b', vector: EAST });
    await writer.patch('a', { n: 1 });
    const gone = await writer.delete('b');
    const reader = server({ redis: await as('reader') });
    expect(idsOf(await reader.search({ vector: EAST, after: gone.place }))).toEqual(['a']);
    await expect(reader.put({ id: 'c', vector: EAST })).rejects.toThrow(/does not let this user/);
    await expect(listIndexes({ redis: await as('reader') })).rejects.toThrow(MisuseError);
    await client().call('ACL', 'LOG', 'RESET');
    const operator = await as('operator');
    expect(await listIndexes({ redis: operator })).toMatchObject([{ name: 'kb' }]);
    const opened = await openIndex({ redis: operator, name: 'kb' });
    later(() => opened.close());
    await opened.put({ id: 'c', vector: EAST });
    await opened.noteProgress('file', 3);
    expect(await opened.progress('file')).toBe(3);
    await opened.deleteAll({ filter: {} });
    const maker = server({ redis: await as('builder') });
    await maker.put({ id: 'd', vector: EAST });
    const embed = async (documents: readonly unknown[]) => documents.map(() => [1, 0]);
    const begin = (model: string) => maker.begin({ vectors: { model, dimensions: 2 }, embed }, holderOf(1));
    await (await begin('other')).abandon();
    const builder = await begin('next');
    await builder.fill();
    expect(await builder.cut()).toMatchObject({ outcome: 'live' });
    const [before] = await maker.generations();
    await maker.retire(before?.generation ?? '', holderOf(1));
    const refused = (await client().call('ACL', 'LOG')) as string[][];
    const commands = refused.map((entry) => entry[entry.indexOf('object') + 1]);
    expect(commands.filter((command) => command !== 'client|setinfo')).toEqual([]);
    await expect(
      createIndex({ redis: operator, name: 'other', vectors: { dimensions: 3 } }).ready(),
    ).rejects.toThrow(MisuseError);
  });
});
