/** Namespaces of an index in Redis: each sees its own documents only, whatever it asks for. */
import { MisuseError } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import type { VectorIndexOptions } from '../src/vector-index-options.js';
import { idsOf, server, useRedis } from './setting.js';

useRedis();
const schema = { namespace: 'tag', kind: 'tag', n: 'number' } as const;
const open = (options: Partial<VectorIndexOptions> = {}) => server({ schema, ...options });

it('the same id is a document in each, and every call sees its own', async () => {
  const index = open();
  const [one, other] = [index.namespace('one'), index.namespace('other')];
  for (let n = 0; n < 10; n += 1) {
    await one.put({ id: `d${n}`, vector: [1, n / 10, 0], attributes: { kind: 'a', n } });
    if (n < 3) await other.put({ id: `d${n}`, vector: [1, 0, n / 10], attributes: { kind: 'b', n } });
  }
  await index.ready();
  expect(index.stats().documents).toBe(13);
  const { hits, facets } = await other.search({ vector: [1, 0, 0], limit: 100, facets: ['kind'] });
  expect(idsOf({ hits })).toEqual(['d0', 'd1', 'd2']);
  expect(hits[0]?.attributes).toEqual({ kind: 'b', n: 0 });
  expect(facets['kind']).toEqual([{ value: 'b', count: 3 }]);
  expect(idsOf(await one.search({ vector: [1, 0, 0], filter: { n: { lt: 2 } } })).sort()).toEqual([
    'd0',
    'd1',
  ]);
  // A filter that names another namespace, or all, finds nothing of it.
  expect((await one.search({ vector: [1, 0, 0], filter: { namespace: 'other' } })).hits).toEqual([]);
  expect(await one.count({ filter: { or: [{ namespace: 'other' }, { n: 9 }] } })).toBe(1);
  expect(await other.get('d5')).toBeUndefined();
  expect(await one.get('d5')).toMatchObject({ id: 'd5', attributes: { kind: 'a', n: 5 } });

  const ids: string[] = [];
  for (let from: string | undefined; ; ) {
    const page = await one.scroll({ limit: 4, ...(from !== undefined && { from }) });
    ids.push(...page.documents.map(({ id }) => id));
    if (page.next === undefined) break;
    from = page.next;
  }
  expect(ids).toEqual(Array.from({ length: 10 }, (_, n) => `d${n}`));

  await one.patch('d1', { n: 100 });
  const { place: after } = await one.delete('d0');
  expect(await one.deleteAll({ filter: { n: { lt: 5 } }, after: after ?? '' })).toMatchObject({
    deleted: 3,
    kept: 0,
  });
  const { place } = await other.put({ id: 'last', vector: [1, 0, 0] });
  expect(await one.count({ after: place })).toBe(6);
  expect(await other.count()).toBe(4);
  const gone = await other.deleteAll({ filter: {} });
  expect(gone.deleted).toBe(4);
  expect(await index.count({ after: gone.place ?? '' })).toBe(6);
});

it('no name and id are those of another name', async () => {
  const index = open();
  await index.namespace('a').put({ id: '1:b', vector: [1, 0, 0] });
  const { place } = await index.namespace('a1').put({ id: ':b', vector: [0, 1, 0] });
  expect(idsOf(await index.search({ vector: [1, 1, 0], after: place })).sort()).toEqual(['1:a1:b', '2:a1:b']);
  expect(await index.namespace('a').count()).toBe(1);
});

it('words and a reranker see its own documents, too', async () => {
  const index = open({ keywords: {} });
  const [one, other] = [index.namespace('one'), index.namespace('other')];
  await one.put({ id: 'x', text: 'the red fox', vector: [1, 0, 0] });
  const { place } = await other.put({ id: 'x', text: 'a red car', vector: [1, 0, 0] });
  const seen: string[] = [];
  const { hits } = await one.search({
    ...{ text: 'red', texts: true, after: place },
    rerank: {
      by: (_, all) => {
        seen.push(...all.map(({ id }) => id));
        return all.map(() => 1);
      },
    },
  });
  expect(hits.map(({ id, text }) => [id, text])).toEqual([['x', 'the red fox']]);
  expect(seen).toEqual(['x']);
});

it('refuses what would not be apart', async () => {
  const index = open();
  for (const name of ['', 'x'.repeat(65), 7 as never])
    expect(() => index.namespace(name)).toThrow(MisuseError);
  expect(() => server({ schema: {} }).namespace('a')).toThrow(/namespace: 'tag'/);
  const one = index.namespace('one');
  await expect(one.put({ id: 'a', vector: [1, 0, 0], attributes: { namespace: 'other' } })).rejects.toThrow(
    MisuseError,
  );
  await expect(one.patch('a', { namespace: 'other' })).rejects.toThrow(MisuseError);
  await expect(one.put(undefined as never)).rejects.toThrow(MisuseError);
  await expect(one.put({ id: '', vector: [1, 0, 0] })).rejects.toThrow(MisuseError);
  await expect(one.deleteAll({} as never)).rejects.toThrow(/filter/);
});
