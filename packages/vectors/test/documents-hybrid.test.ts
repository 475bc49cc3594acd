/** Documents with texts in Redis, found by vectors, by words, and by both; several named vectors of a document. */
import { AbortedError, MisuseError, seededRandom } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { client, holderOf, idsOf, server, useRedis } from './setting.js';
import { exactScore } from './vectors.js';

useRedis();
const [EAST, NORTH, UP] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
const MEANINGS: Readonly<Record<string, readonly number[]>> = { sunrise: EAST, frost: NORTH };
/** A model that knows two words. */
const embedder = {
  embed: async (texts: readonly string[]) => texts.map((text) => Float32Array.from(MEANINGS[text] ?? UP)),
};
const withWords = (options = {}) => server({ keywords: {}, schema: { kind: 'tag' }, ...options });

describe('documents with texts', () => {
  it('are found by words, by vectors, or by both, on any server, with ranks and scores', async () => {
    const [writer, kb] = [withWords(), withWords()];
    await writer.put({ id: 'a', text: 'a red apple', vector: EAST });
    await writer.put({ id: 'b', text: 'a red bus', vector: NORTH });
    const { place: after } = await writer.put({ id: 'c', text: 'red, red, red', vector: UP });
    const words = await kb.search({ text: 'red apple', after });
    expect(idsOf(words)).toEqual(['a', 'c', 'b']);
    expect(words.hits[0]).toMatchObject({ ranks: { keywords: 1 }, chunk: undefined });
    expect(words.hits[0]?.score).toBe(words.hits[0]?.scores['keywords']);
    const near = await kb.search({ vector: NORTH, limit: 1 });
    expect(near.hits).toMatchObject([{ id: 'b', ranks: { vectors: 1 }, chunk: 0 }]);
    expect(near.hits[0]?.score).toBeCloseTo(1, 2);
    const both = await kb.search({ text: 'apple', vector: NORTH });
    expect(both.hits[0]).toMatchObject({ id: 'a', ranks: { keywords: 1 } });
    const byVector = await kb.search({
      text: 'apple',
      vector: NORTH,
      minScore: 0.5,
      fuse: { weights: { vectors: 2 } },
    });
    expect(byVector.hits[0]).toMatchObject({ id: 'b', ranks: { vectors: 1 } });
    expect(byVector.degraded).toEqual([]);
  });

  it('have words and vectors of one state in every search', async () => {
    const [writer, reader] = [withWords(), withWords()];
    await writer.put({ id: 'a', text: 'east', vector: EAST });
    await reader.ready();
    let isOver = false;
    const halves = new Set<string>();
    const reading = (async () => {
      while (!isOver) {
        const { hits } = await reader.search({ text: 'east', vector: EAST, minScore: 0.5 });
        halves.add(
          Object.keys(hits[0]?.ranks ?? {})
            .sort()
            .join(),
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 100; round += 1) {
      const [text, vector] = round % 2 === 0 ? ['north', NORTH] : ['east', EAST];
      await writer.put({ id: 'a', text, vector });
    }
    isOver = true;
    await reading;
    expect([...halves].sort()).toEqual(['', 'keywords,vectors']);
  });

  it('keep the text when they are patched, lose it when they are put without one, deleted, or expired', async () => {
    const kb = withWords();
    const find = async (after: string) => idsOf(await kb.search({ text: 'apple', after }));
    await kb.put({ id: 'a', text: 'an apple', vector: EAST, attributes: { kind: 'fruit' } });
    const patched = await kb.patch('a', { kind: 'food' });
    if (patched.outcome !== 'written') throw new Error(patched.outcome);
    const { hits } = await kb.search({ text: 'apple', vector: EAST, after: patched.place });
    expect(hits).toMatchObject([
      { id: 'a', attributes: { kind: 'food' }, ranks: { keywords: 1, vectors: 1 } },
    ]);
    expect((await kb.get('a', { text: true }))?.text).toBe('an apple');
    expect(await find((await kb.put({ id: 'a', vector: EAST })).place)).toEqual([]);
    expect(await find((await kb.put({ id: 'a', text: 'apple' })).place)).toEqual(['a']);
    expect(idsOf(await kb.search({ vector: EAST }))).toEqual([]);
    expect(await find((await kb.delete('a')).place)).toEqual([]);
    const { place } = await kb.put({ id: 'a', text: 'apple' }, { ttl: 30 });
    await expect.poll(() => find(place)).toEqual([]);
    expect(kb.stats().keywords).toMatchObject({ documents: 0 });
  });

  it('are filtered, counted by facets, and given with their texts and what matters of them', async () => {
    const kb = withWords();
    const long = `${'filler '.repeat(60)}the password of the mail account`;
    await kb.put({ id: 'a', text: long, attributes: { kind: 'help' } });
    await kb.put({ id: 'b', text: 'a password', attributes: { kind: 'note' } });
    const { place: after } = await kb.put({ id: 'c', text: 'mail', attributes: { kind: 'help' } });
    const found = await kb.search({
      ...{ text: 'mail password', filter: { kind: 'help' }, facets: ['kind'], after },
      ...{ texts: true, snippet: { words: 5 } },
    });
    expect(idsOf(found)).toEqual(['c', 'a']);
    expect(found.facets).toEqual({ kind: [{ value: 'help', count: 2 }] });
    expect(found.hits[1]).toMatchObject({ text: long, snippet: { field: undefined } });
    const { text = '', marks = [] } = found.hits[1]?.snippet ?? {};
    expect(marks.map(({ start, end }) => text.slice(start, end))).toEqual(['password', 'mail']);
  });

  it('have fields that count differently, and a snippet names its field', async () => {
    const kb = server({ keywords: { fields: { title: 4, body: 1 } } });
    await kb.put({ id: 'a', text: { title: 'Opening hours', body: 'ask for the password' } });
    const { place } = await kb.put({ id: 'b', text: { body: 'from eight', title: 'Password' } });
    const { hits } = await kb.search({ text: 'password', snippet: {}, after: place });
    expect(hits.map(({ id, snippet }) => [id, snippet?.field])).toEqual([
      ['b', 'title'],
      ['a', 'body'],
    ]);
    await expect(kb.put({ id: 'c', text: 'one text' })).rejects.toThrow(/texts of title, body/);
    await expect(kb.put({ id: 'c', text: { titel: 'x' } })).rejects.toThrow(/got "titel"/);
  });

  it('are written under tokens and event times as others are', async () => {
    const kb = withWords();
    await kb.put({ id: 'a', text: 'later', vector: EAST }, { time: 2, holder: holderOf(7) });
    expect(await kb.put({ id: 'a', text: 'earlier' }, { time: 1 })).toMatchObject({ outcome: 'older' });
    await expect(kb.put({ id: 'a', text: 'stale' }, { holder: holderOf(6) })).rejects.toThrow(/6 is lower/);
    expect(idsOf(await kb.search({ text: 'earlier stale later' }))).toEqual(['a']);
    expect((await kb.get('a', { text: true }))?.text).toBe('later');
  });

  it('of another program are read as far as they can be', async () => {
    const [plain, fields] = [withWords(), server({ keywords: { fields: { title: 1 } } })];
    const { place: after } = await plain.put({ id: 'a', text: 'apple', vector: EAST });
    expect(idsOf(await fields.search({ vector: EAST, after }))).toEqual(['a']);
    expect(fields.stats()).toMatchObject({ unreadable: 1, keywords: { documents: 0 } });
    expect(idsOf(await server().search({ vector: EAST, after }))).toEqual(['a']);
  });
});

describe('a search by a text', () => {
  const fill = async (options = {}) => {
    const kb = withWords({ vectors: { dimensions: 3, embedder }, ...options });
    await kb.put({ id: 'dawn', text: 'light over the hills', vector: EAST });
    await kb.put({ id: 'ice', text: 'a cold morning', vector: NORTH });
    return { kb, after: (await kb.put({ id: 'word', text: 'sunrise', vector: UP })).place };
  };

  it('finds what it means and what has its words', async () => {
    const { kb, after } = await fill();
    const { hits, degraded } = await kb.search({ text: 'sunrise', after, limit: 2 });
    expect(hits).toMatchObject([
      { id: 'word', ranks: { keywords: 1 } },
      { id: 'dawn', ranks: { vectors: 1 } },
    ]);
    expect(degraded).toEqual([]);
  });

  it('is answered by words alone when the model is late or fails, and says so', async () => {
    const never = { embed: () => new Promise<Float32Array[]>(() => {}) };
    const late = await fill({ vectors: { dimensions: 3, embedder: never } });
    const found = await late.kb.search({ text: 'sunrise', after: late.after, deadline: 10 });
    expect(idsOf(found)).toEqual(['word']);
    expect(found.degraded).toEqual([{ part: 'embedding', reason: 'deadline' }]);
    const broken = { embed: () => Promise.reject(new Error('no model')) };
    const { degraded } = await withWords({ vectors: { dimensions: 3, embedder: broken } }).search({
      text: 'x',
    });
    expect(degraded).toMatchObject([
      { part: 'embedding', reason: 'failure', error: { message: 'no model' } },
    ]);
  });

  it('is put in order by a model that reads the hits', async () => {
    const { kb, after } = await fill();
    const by = (_: string, hits: readonly { readonly id: string }[]) =>
      hits.map(({ id }) => (id === 'ice' ? 2 : 1));
    const { hits } = await kb.search({ text: 'sunrise', after, limit: 1, rerank: { by } });
    expect(hits).toMatchObject([{ id: 'ice', score: 2 }]);
  });

  it('does not say the same twice, page by page, as long as nothing changes', async () => {
    const kb = withWords();
    const all = { east: EAST, same: [1, 0.1, 0], again: [1, 0.2, 0], other: [0.8, 0.6, 0], far: [-1, 0, 0] };
    for (const [id, vector] of Object.entries(all)) await kb.put({ id, vector, attributes: { kind: id } });
    const { place: after } = await kb.put({ id: 'more', vectors: [NORTH, [0.9, 0, 0.436]] });
    const ask = { vector: EAST, after, wait: 60_000, diversify: { lambda: 0.5 } };
    const plain = await kb.search({ vector: EAST, after, wait: 60_000 });
    expect(idsOf(plain).slice(0, 3)).toEqual(['east', 'same', 'again']);
    const varied = await kb.search(ask);
    expect(idsOf(varied).slice(0, 3)).toEqual(['east', 'other', 'more']);
    expect(varied.hits.find(({ id }) => id === 'more')?.score).toBeCloseTo(0.9, 2);
    expect([...idsOf(varied)].sort()).toEqual([...idsOf(plain)].sort());
    const turns = Array.from({ length: 150 }, (_, n) => [2 + Math.sin(n), Math.cos(3 * n), Math.sin(7 * n)]);
    await Promise.all(turns.map((vector, n) => kb.put({ id: `n${n}`, vector })));
    const { place } = await kb.put({ id: 'last', vector: UP });
    const paged = { vector: EAST, after: place, wait: 60_000, diversify: { lambda: 0.2 } };
    const whole = await kb.search({ ...paged, limit: 12 });
    const pages = [0, 3, 6, 9].map((offset) => kb.search({ ...paged, limit: 3, offset }));
    expect((await Promise.all(pages)).flatMap(idsOf)).toEqual(idsOf(whole));
    const unchanged = await kb.search({ ...ask, diversify: { lambda: 1 } });
    expect(idsOf(unchanged)).toEqual(idsOf(await kb.search({ vector: EAST })));
    for (const [wrong, message] of [
      [{ diversify: { lambda: 2 } }, /0 to 1; got 2/],
      [{ diversify: { by: 'title' } }, /"title", which the index has not; its vectors have no names/],
      [{ diversify: {}, limit: 40, offset: 11 }, /50 together at most; got 40 and 11/],
    ] as const) {
      const asked = kb.search({ vector: EAST, ...wrong });
      await expect(asked).rejects.toThrow(MisuseError);
      await expect(asked).rejects.toThrow(message);
    }
  });

  it.each(['cosine', 'ip', 'l2'] as const)(
    'has the exact scores by %s, if it is asked to',
    async (metric) => {
      const seed = Math.floor(Math.random() * 100_000);
      const random = seededRandom(seed);
      const vectorOf = (): number[] => Array.from({ length: 40 }, () => random.unit() - 0.5);
      const kb = server({ vectors: { dimensions: 40, metric } });
      const made = Array.from({ length: 120 }, (_, n) => ({
        id: `d${n}`,
        vectors: [vectorOf(), vectorOf()],
      }));
      // Those that are under way together may be written in another order: the first ones wait for the functions.
      await Promise.all(made.slice(1).map((each) => kb.put(each)));
      const { place: after } = await kb.put(made[0]!);
      const query = vectorOf();
      const wanted = made
        .map(({ id, vectors }) => {
          const scores = vectors.map((each) => exactScore(metric, query, Float32Array.from(each)));
          const score = Math.max(...scores);
          return { id, score, chunk: scores.indexOf(score) };
        })
        .sort((one, other) => other.score - one.score);
      const shown = (hits: readonly { id: string; score: number; chunk: number | undefined }[]) =>
        hits.map(({ id, score, chunk }) => `${id} ${score.toFixed(6)} ${chunk}`);
      const exact = await kb.search({ vector: query, exact: true, after });
      expect(shown(exact.hits), `seed ${seed}`).toEqual(shown(wanted.slice(0, 10)));
      expect(exact.hits.map(({ ranks }) => ranks['vectors'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      const minScore = wanted[4]!.score - 1e-7;
      const next = await kb.search({ vector: query, exact: true, limit: 3, offset: 3, minScore });
      expect(shown(next.hits), `seed ${seed}`).toEqual(shown(wanted.slice(3, 5)));
      // What is rounded is another order, or at least other scores.
      expect(shown((await kb.search({ vector: query })).hits)).not.toEqual(shown(exact.hits));
      const refused = withWords().search({ vector: EAST, text: 'x', exact: true });
      await expect(refused).rejects.toThrow(/"exact" of search is for a search by one kind of vectors alone/);
    },
  );

  it('ends with its signal, whatever it waits for', async () => {
    const { kb, after } = await fill();
    await expect(kb.search({ text: 'x', signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    const never = { embed: () => new Promise<Float32Array[]>(() => {}) };
    const slow = withWords({ vectors: { dimensions: 3, embedder: never } });
    await slow.ready();
    const ahead = `${after.split('@')[0]}@9999999999999999`;
    for (const call of [
      (signal: AbortSignal) => slow.search({ text: 'x', deadline: 60_000, signal }),
      (signal: AbortSignal) => kb.search({ text: 'x', after: ahead, wait: 60_000, signal }),
      (signal: AbortSignal) => kb.count({ after: ahead, wait: 60_000, signal }),
    ]) {
      const ending = new AbortController();
      const called = call(ending.signal);
      ending.abort();
      await expect(called).rejects.toThrow(AbortedError);
    }
  });
});

describe('named vectors', () => {
  const vectors = { title: { dimensions: 3, embedder }, body: { dimensions: 2, metric: 'l2' as const } };

  it('are each searched by its name, or together, and replaced together', async () => {
    const [writer, kb] = [server({ vectors, keywords: {} }), server({ vectors, keywords: {} })];
    await writer.put({
      id: 'a',
      text: 'one',
      vectors: {
        title: EAST,
        body: [
          [9, 9],
          [1, 1],
        ],
      },
    });
    await writer.put({ id: 'b', text: 'two', vectors: { title: NORTH, body: [2, 2] } });
    const { place: after } = await writer.put({ id: 'c', vectors: { body: [0, -3] } });
    expect(idsOf(await kb.search({ vectors: { title: EAST }, after }))).toEqual(['a', 'b']);
    const { hits } = await kb.search({ vectors: { body: [1, 1] } });
    expect(hits).toMatchObject([
      { id: 'a', chunk: 1, ranks: { body: 1 } },
      { id: 'b', chunk: 0 },
      { id: 'c', chunk: 0 },
    ]);
    const all = await kb.search({
      text: 'frost',
      vectors: { body: [2, 2] },
      fuse: { weights: { keywords: 2 } },
    });
    expect(all.hits[0]).toMatchObject({ id: 'b', ranks: { title: 1, body: 1 } });
    const replaced = await writer.put({ id: 'a', vectors: { title: UP } });
    const near = await kb.search({ vectors: { body: [1, 1] }, after: replaced.place });
    expect(idsOf(near).sort()).toEqual(['b', 'c']);
    expect(kb.stats().named).toMatchObject({ title: { vectors: 2 }, body: { vectors: 2 } });
  });

  it('that the index has not are refused', async () => {
    const kb = server({ vectors });
    await expect(kb.put({ id: 'a', vector: EAST })).rejects.toThrow(/vectors of title, body/);
    await expect(kb.put({ id: 'a', vectors: { titel: EAST } })).rejects.toThrow(/"titel".*title, body/);
    await expect(kb.put({ id: 'a', vectors: { body: EAST } })).rejects.toThrow(/2 dimensions; got 3/);
    await expect(kb.search({ vector: EAST })).rejects.toThrow(/give "vectors", by title, body/);
    await expect(kb.search({ vectors: { head: EAST } })).rejects.toThrow(/"head"/);
    expect(() => server({ vectors: { keywords: { dimensions: 3 } } })).toThrow(MisuseError);
    expect(await client().keys('*doc*')).toEqual([]);
  });
});

describe('what cannot be searched', () => {
  it.each([
    [{}, /a "vector", a "text", "terms", or several of them; got none/],
    [{ text: 5 }, /text is a text; got 5/],
    [{ vectors: { title: EAST } }, /"vectors" of search has "title".*give "vector"/],
    [{ vector: EAST, snippet: {} }, /"snippet" of search needs a "text"/],
    [
      { text: 'x', fuse: { weights: { titles: 2 } } },
      /"titles", which is no ranking; there are vectors, keywords/,
    ],
  ])('%j is refused', async (wishes, message) => {
    const kb = withWords();
    await expect(kb.search(wishes as never)).rejects.toThrow(message);
    await expect(kb.search(wishes as never)).rejects.toThrow(MisuseError);
  });

  it('a text, without words or a model', async () => {
    await expect(server().search({ text: 'x' })).rejects.toThrow(/neither "keywords" nor an "embedder"/);
  });

  it.each([
    [{ id: 'a', text: 5 }, /"text" of the document "a" is a text, or an object of texts by field; got 5/],
    [{ id: 'a', text: { title: 'x' } }, /is one text, as "keywords" of createIndex\(\) has no fields/],
    [{ id: 'a', text: 'x'.repeat(1_048_577) }, /1048576 are the most/],
  ])('nor is a document stored with such a text', async (document, message) => {
    await expect(withWords().put(document as never)).rejects.toThrow(message);
  });
});
