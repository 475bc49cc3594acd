/** Snapshots of a follower: a process that begins goes on from one, and answers as one that has read everything. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnavailableError } from '@holdfast/kernel';
import { beforeEach, describe, expect, it } from 'vitest';
import { createShardedIndex } from '../src/index.js';
import type { VectorIndex } from '../src/vector-index.js';
import type { VectorIndexOptions } from '../src/vector-index-options.js';
import { client, idsOf, later, server, url, useRedis } from './setting.js';

useRedis();
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-snapshots-'));
  later(() => rm(dir, { recursive: true, force: true }));
});
const FILE = 'kb.snapshot';
const kept = (options: Partial<VectorIndexOptions> = {}): VectorIndex =>
  server({ schema: { kind: 'tag', n: 'number' }, snapshots: { dir }, ...options });
const plain = (): VectorIndex => server({ schema: { kind: 'tag', n: 'number' } });

const vectorOf = (n: number): number[] => [Math.sin(n), Math.cos(n), Math.sin(3 * n)];

async function fill(index: VectorIndex, from: number, to: number, turn = 0): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, at) => from + at);
  await Promise.all(
    numbers.map((n) => {
      const attributes = { kind: `k${(n + turn) % 3}`, n: n + turn };
      const vectors = n % 5 === 0 ? [vectorOf(n + turn), vectorOf(n + turn + 0.5)] : [vectorOf(n + turn)];
      return index.put({ id: `d${n}`, vectors, attributes });
    }),
  );
}

/** All that it answers, but for the scores, which are not quite the same in two processes. */
async function answers(index: VectorIndex): Promise<unknown> {
  await index.ready();
  const { hits, facets } = await index.search({ vector: [1, 0, 0], limit: 500, facets: ['kind'] });
  const filter = { n: { lt: 100 }, kind: 'k1' };
  const filtered = await index.search({ vector: [0, 1, 0], limit: 500, filter });
  const { documents } = await index.scroll({ limit: 1_000 });
  return { found: idsOf({ hits }).sort(), facets, filtered: idsOf(filtered).sort(), documents };
}

/** How much the server has sent since `CONFIG RESETSTAT`. */
async function bytesRead(): Promise<number> {
  const info = await client().info('stats');
  return Number(/total_net_output_bytes:(\d+)/.exec(info)?.[1]);
}

it('goes on from where another process was, and reads what was written since', async () => {
  const writer = plain();
  const first = kept();
  await fill(writer, 0, 300);
  await first.ready();
  await first.close();
  expect(await readdir(dir)).toEqual([FILE]);
  await fill(writer, 290, 310, 7);
  await writer.delete('d3');
  const whole = plain();
  const expected = await answers(whole);
  await client().config('RESETSTAT');
  await (await plain()).ready();
  const all = await bytesRead();
  await client().config('RESETSTAT');
  const second = kept();
  await second.ready();
  expect(await bytesRead()).toBeLessThan(all / 3);
  expect(second.stats()).toMatchObject({ documents: 309, snapshotFailure: undefined });
  expect(await answers(second)).toEqual(expected);
  // What is written from now on takes the place of what was restored.
  await fill(writer, 0, 20, 100);
  await second.ready();
  await whole.ready();
  expect(await answers(second)).toEqual(await answers(whole));
});

it('is one of each process that shares the folder', async () => {
  const [one, other] = [kept(), kept()];
  await fill(one, 0, 50);
  await Promise.all([one.ready(), other.ready()]);
  await Promise.all([one.close(), other.close()]);
  expect(await readdir(dir)).toEqual([FILE]);
  expect(await answers(kept())).toEqual(await answers(plain()));
});

it('has nothing of a server that has forgotten it', async () => {
  const first = kept();
  await fill(first, 0, 60);
  await first.ready();
  await first.close();
  await client().flushall();
  const other = plain();
  await fill(other, 40, 80, 1);
  const second = kept();
  expect(await answers(second)).toEqual(await answers(other));
  expect(second.stats().documents).toBe(40);
});

it('has what expired meanwhile no more', async () => {
  const [first, other] = [kept(), plain()];
  await first.put({ id: 'long', vector: [1, 0, 0] });
  const { place } = await first.put({ id: 'short', vector: [1, 0, 0] }, { ttl: 400 });
  expect((await first.search({ vector: [1, 0, 0], after: place })).hits).toHaveLength(2);
  await first.close();
  await expect.poll(async () => idsOf(await other.search({ vector: [1, 0, 0] }))).toEqual(['long']);
  expect(idsOf(await kept().search({ vector: [1, 0, 0] }))).toEqual(['long']);
});

describe('a file that cannot be used', () => {
  const broken: readonly [string, (bytes: Buffer) => Buffer][] = [
    ['that was cut off', (bytes) => bytes.subarray(0, bytes.length - 100)],
    [
      'in which a bit was turned',
      (bytes) => Buffer.concat([bytes.subarray(0, 900), Buffer.from([bytes[900]! ^ 1]), bytes.subarray(901)]),
    ],
    ['that is something else', () => Buffer.from('{}')],
    ['that is empty', () => Buffer.alloc(0)],
  ];
  it.each(broken)('%s is told, and everything is read', async (_, change) => {
    const first = kept();
    await fill(first, 0, 40);
    await first.ready();
    await first.close();
    await writeFile(join(dir, FILE), change(await readFile(join(dir, FILE))));
    const second = kept();
    expect(await answers(second)).toEqual(await answers(plain()));
    expect(second.stats().snapshotFailure).toMatch(/was not used: The snapshot cannot be restored/);
    expect(second.health().problems.join()).toMatch(/was not used/);
    await second.close();
    const third = kept();
    await third.ready();
    expect(third.stats().snapshotFailure).toBeUndefined();
  });

  it('is one of vectors of another shape', async () => {
    const first = kept();
    await fill(first, 0, 10);
    await first.ready();
    await first.close();
    await client().flushall();
    const second = server({ snapshots: { dir }, vectors: { dimensions: 2 } });
    await second.put({ id: 'a', vector: [1, 0] });
    await second.ready();
    expect(idsOf(await second.search({ vector: [1, 0] }))).toEqual(['a']);
  });

  it('is one of another index', async () => {
    const first = kept();
    await fill(first, 0, 10);
    await first.ready();
    await first.close();
    await writeFile(join(dir, 'other.snapshot'), await readFile(join(dir, FILE)));
    const other = kept({ name: 'other' });
    await other.ready();
    expect(other.stats()).toMatchObject({ documents: 0 });
    expect(other.stats().snapshotFailure).toMatch(/not one of the index "other"/);
  });
});

it('where none can be written, everything else goes on, and it is told', async () => {
  await writeFile(join(dir, 'file'), '');
  const index = kept({ snapshots: { dir: join(dir, 'file'), every: 1_000 } });
  await fill(index, 0, 10);
  await index.ready();
  await expect
    .poll(() => index.stats().snapshotFailure, { timeout: 10_000 })
    .toMatch(/was not written: (ENOTDIR|EEXIST)/);
  expect((await index.search({ vector: [1, 0, 0] })).hits).toHaveLength(10);
});

it('is one of each shard of a sharded index', async () => {
  const sharded = () => {
    const index = createShardedIndex({
      ...{ redis: url(), name: 'kb', shards: 2, vectors: { dimensions: 3 }, snapshots: { dir } },
    });
    later(() => index.close());
    return index;
  };
  const first = sharded();
  for (let n = 0; n < 20; n += 1) await first.put({ id: `d${n}`, vector: vectorOf(n) });
  await first.ready();
  await first.close();
  expect((await readdir(dir)).sort()).toEqual(['kb-0-of-2.snapshot', 'kb-1-of-2.snapshot']);
  expect(idsOf(await sharded().search({ vector: [1, 0, 0], limit: 50 }))).toHaveLength(20);
});

describe('beside words', () => {
  const worded = (options: Partial<VectorIndexOptions> = {}) => kept({ keywords: {}, ...options });
  const put = (index: VectorIndex, id: string, text: string) => index.put({ id, text, vector: [1, 0, 0] });

  async function first(): Promise<void> {
    const index = worded();
    for (const id of ['a', 'b', 'c', 'd']) await put(index, id, `old ${id}word`);
    await index.ready();
    await index.close();
  }

  it('has the words of texts as they are now, and the vectors from the file', async () => {
    await first();
    const writer = plain();
    await put(writer, 'b', 'new bword');
    await writer.delete('c');
    const second = worded();
    expect(idsOf(await second.search({ text: 'old' })).sort()).toEqual(['a', 'd']);
    expect(idsOf(await second.search({ text: 'new bword' }))).toEqual(['b']);
    expect(idsOf(await second.search({ text: 'cword' }))).toEqual([]);
    expect(second.stats()).toMatchObject({ documents: 3, unapplied: 0, snapshotFailure: undefined });
    expect(second.stats().keywords).toMatchObject({ documents: 3 });
  });

  it('is used later where the server is away at first', async () => {
    await first();
    const second = worded({ callTimeout: 100 });
    await client().call('CLIENT', 'PAUSE', '300', 'ALL');
    await expect(second.ready()).rejects.toThrow(UnavailableError);
    await expect
      .poll(() =>
        second.ready().then(
          () => second.stats().documents,
          () => 0,
        ),
      )
      .toBe(4);
    expect(second.stats().snapshotFailure).toBeUndefined();
    expect(idsOf(await second.search({ text: 'aword' }))).toEqual(['a']);
  });
});

it('is refused without a folder', () => {
  expect(() => kept({ snapshots: { dir: '' } })).toThrow(/snapshots.dir/);
});
