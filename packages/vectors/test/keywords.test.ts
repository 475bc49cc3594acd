/** Indexes of keywords and of sparse vectors as their users see them, beside adding everything up. */
import { AbortedError, BusyError, MisuseError, UnavailableError } from '@holdfast/kernel';
import {
  createKeywordIndex,
  createSparseIndex,
  type KeywordIndexOptions,
  type KeywordSearchOptions,
} from '@holdfast/vectors';
import { describe, expect, it } from 'vitest';
import { Finder } from '../src/keywords/find.js';
import { Postings } from '../src/keywords/postings.js';
import { bm25, rarity, type Scoring } from '../src/keywords/scoring.js';
import {
  bm25Of,
  type Counts,
  countsOf,
  productsOf,
  type Scored,
  type WordMaker,
  wordMaker,
} from './keyword-oracle.js';

const SEED = 20_251_127;

function expectSame(found: readonly Scored[], wanted: readonly Scored[]): void {
  expect(found.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
  found.forEach(({ score }, at) => {
    expect(score).toBeCloseTo(wanted[at]!.score, 8);
  });
}

/** An index, and the same documents for the oracle. */
function pair(options: KeywordIndexOptions = {}) {
  const index = createKeywordIndex(options);
  const documents = new Map<string, Counts>();
  return {
    index,
    documents,
    put(id: string, text: string) {
      index.put(id, text);
      documents.set(id, countsOf(text));
    },
    delete(id: string) {
      expect(index.delete(id)).toBe(documents.delete(id));
    },
    check(query: string, wishes: KeywordSearchOptions = {}) {
      const { limit = 10, offset = 0, minScore = 0, filter = () => true } = wishes;
      const all = bm25Of(query, documents, options);
      const wanted = all.filter(({ id, score }) => filter(id) && score >= minScore);
      expectSame(index.search(query, wishes), wanted.slice(offset, offset + limit));
    },
  };
}

/** Frequent and rare words, alone and together. */
function checkAll({ check }: ReturnType<typeof pair>, maker: WordMaker): void {
  for (let n = 0; n < 8; n++) check(maker.text(1 + (n % 5)), { limit: 1 + 3 * n });
  check('w0 w1 w2 w3', { limit: 5 });
  check('w0 w0 w250 w1', { limit: 20, offset: 5 });
  check(`${maker.text(4)} w299 w280`, { filter: (id) => id.endsWith('3') });
  check(maker.text(3), { minScore: 2, limit: 50 });
}

describe('an index of keywords', () => {
  it(`answers as adding everything up does, through puts, replacements, deletions and compactions (seed ${SEED})`, async () => {
    const maker = wordMaker(SEED);
    const of = pair();
    const id = (): string => `d${Math.floor(maker.random.unit() * 3_000)}`;
    for (let n = 0; n < 2_500; n++) of.put(id(), maker.text(1 + Math.floor(60 * maker.random.unit() ** 3)));
    checkAll(of, maker);
    for (let n = 0; n < 1_500; n++) {
      if (n % 3 === 0) of.delete(id());
      else of.put(id(), maker.text(1 + (n % 40)));
    }
    checkAll(of, maker);
    expect(of.index.size).toBe(of.documents.size);
    const { isCompactionDue, removed } = of.index.stats();
    expect(isCompactionDue).toBe(true);
    expect(removed).toBeGreaterThan(1_000);
    await of.index.compact();
    expect(of.index.stats()).toMatchObject({
      removed: 0,
      isCompactionDue: false,
      documents: of.documents.size,
    });
    checkAll(of, maker);
    of.put('new', 'w0 w299');
    checkAll(of, maker);
  });

  it('does not read the postings of a frequent word when a rare one decides', () => {
    const postings = new Postings(2 ** 24);
    const documents = new Map<string, Counts>();
    for (let n = 0; n < 6_000; n++) {
      const text = `often ${n % 100 === 0 ? 'seldom' : 'other'} t${n}`;
      const counts = countsOf(text);
      postings.put(`d${n}`, { terms: [...counts.keys()], codes: [8, 8, 8], length: 3 });
      documents.set(`d${n}`, counts);
    }
    let [met, lookedUp] = [0, 0];
    const plain = bm25({ k1: 1.2, b: 0.75, unit: 1 / 8, meanLength: 3 });
    const scoring: Scoring = (all, term, weight) => {
      const scorer = plain(all, term, weight);
      return {
        ...scorer,
        scoreOf: (posting) => {
          lookedUp += 1;
          return scorer.scoreOf(posting);
        },
        meet: (piece, into) => {
          met += piece.to - piece.from;
          scorer.meet(piece, into);
        },
        addTo: (piece, into) => {
          lookedUp += piece.to - piece.from;
          scorer.addTo(piece, into);
        },
      };
    };
    const terms = [
      ['seldom', rarity(6_000, 60)],
      ['often', rarity(6_000, 6_000)],
    ] as const;
    const found = new Finder().find(postings, {
      terms,
      scoring,
      k: 5,
      minScore: undefined,
      filter: undefined,
    });
    expectSame(found, bm25Of('often seldom', documents).slice(0, 5));
    expect(met).toBe(60);
    expect(lookedUp).toBeLessThan(1_200); // small pieces are read as a whole
  });

  it(`answers as adding everything up does where slots take several windows (seed ${SEED})`, () => {
    const maker = wordMaker(SEED, 60);
    const of = pair();
    const id = (): string => `d${Math.floor(maker.random.unit() * 4_000)}`;
    for (let n = 0; n < 10_000; n++) of.put(id(), maker.text(1 + Math.floor(12 * maker.random.unit() ** 2)));
    for (let n = 0; n < 300; n++) if (of.documents.has(`d${7 * n}`)) of.delete(`d${7 * n}`);
    for (let n = 0; n < 12; n++) of.check(maker.text(1 + (n % 4)), { limit: 1 + 4 * n, offset: n % 3 });
    of.check('w0 w1 w59', { limit: 4_000 });
    of.check('w0 w2', { limit: 30, filter: (given) => given.endsWith('77') });
    of.check('w0 w1', { minScore: 1, limit: 100 });
    const asked: string[] = [];
    of.index.search('w0 w1 w2', { filter: (given) => asked.push(given) > 0 });
    expect(new Set(asked).size).toBe(asked.length);
    // A filter that searches, and one that throws, leave nothing behind.
    const within = new Set(of.index.search('w3', { limit: 4_000 }).map(({ id }) => id));
    const nested = of.index.search('w1 w2', {
      filter: (given) => of.index.search('w3', { limit: 4_000 }).some(({ id }) => id === given),
      limit: 3,
    });
    expect(nested).toEqual(of.index.search('w1 w2', { filter: (given) => within.has(given), limit: 3 }));
    const broken = (): boolean => {
      throw new Error('no');
    };
    expect(() => of.index.search('w0 w1', { filter: broken })).toThrow('no');
    of.check('w0 w1');
    expect(of.index.search('w0', { minScore: 1e6 })).toEqual([]);
  });

  it('counts words by the weights of their fields', () => {
    const index = createKeywordIndex({ fields: { title: 2.5, body: 1 } });
    const documents = new Map<string, Counts>();
    const put = (id: string, fields: { title?: string; body?: string }): void => {
      index.put(id, fields);
      documents.set(id, countsOf(fields.title ?? '', 2.5, countsOf(fields.body ?? '')));
    };
    put('a', { title: 'reset password', body: 'open the settings and choose reset' });
    put('b', { body: 'a password is not a passphrase' });
    put('c', { title: 'passphrase', body: 'password' });
    put('d', { title: 'nothing' });
    for (const query of ['password', 'passphrase reset', 'a the password']) {
      expectSame(index.search(query), bm25Of(query, documents));
    }
  });

  it('finds the same word however it is written, and words of scripts without spaces', () => {
    const index = createKeywordIndex();
    index.put('accents', 'Crème BRÛLÉE, naïve');
    index.put('composed', 'cre\u0300me');
    index.put('german', 'Straße');
    index.put('greek', 'ΟΔΟΣ');
    index.put('turkish', 'İstanbul');
    index.put('wide', 'Ｆｕｌｌ');
    index.put('marks', "don’t pay 1,000.50 for 'this'");
    index.put('japanese', '東京で寿司を食べました');
    const ids = (query: string) =>
      index
        .search(query)
        .map(({ id }) => id)
        .sort();
    expect(ids('creme')).toEqual(['accents', 'composed']);
    expect(ids('STRASSE')).toEqual(['german']);
    expect(ids('οδός')).toEqual(['greek']);
    expect(ids('istanbul')).toEqual(['turkish']);
    expect(ids('full')).toEqual(['wide']);
    expect(ids("don't")).toEqual(['marks']);
    expect(ids('1,000.50')).toEqual(['marks']);
    expect(ids('this')).toEqual(['marks']);
    expect(ids('寿司')).toEqual(['japanese']);
    expect(ids('x'.repeat(80))).toEqual([]);
    index.put('long', 'x'.repeat(1_000));
    expect(ids('x'.repeat(80))).toEqual(['long']);
    expect(ids('... !')).toEqual([]);
  });

  it('leaves out stop words, and takes the stems of the others', () => {
    const stem = (word: string): string => word.replace(/(?:ing|s)$/, '');
    const index = createKeywordIndex({ stopWords: ['The', 'a'], stem });
    index.put('a', 'the locks');
    index.put('b', 'a locking of things');
    expect(index.search('The')).toEqual([]);
    expect(index.search('lock').map(({ id }) => id)).toEqual(['a', 'b']);
    const wrong = createKeywordIndex({ stem: () => undefined as unknown as string });
    expect(() => wrong.put('a', 'word')).toThrow(/"stem" gives a string; for "word" it gave undefined/);
    expect(wrong.has('a')).toBe(false);
  });

  it('finds everything while it is compacted, and keeps what is changed meanwhile', async () => {
    const maker = wordMaker(SEED);
    // A slice ends after every document.
    let ms = 0;
    const turns: (() => void)[] = [];
    const clock = {
      now: () => (ms += 5),
      wall: () => 0,
      after: () => ({ cancel() {} }),
      afterInput: (callback: () => void) => void turns.push(callback),
    };
    const of = pair({ clock });
    for (let n = 0; n < 200; n++) of.put(`d${n}`, maker.text(10));
    for (let n = 0; n < 60; n++) of.delete(`d${n * 2}`);
    const compacted = of.index.compact();
    await expect(of.index.compact()).rejects.toThrow(BusyError);
    for (let n = 0; turns.length > 0; n++) {
      if (n % 3 === 0) of.put(`d${(n * 7) % 220}`, maker.text(12));
      if (n % 5 === 0 && of.documents.has(`d${(n * 11) % 200}`)) of.delete(`d${(n * 11) % 200}`);
      of.check(maker.text(3));
      turns.shift()?.();
      await Promise.resolve();
      for (let settle = 0; settle < 5; settle++) await Promise.resolve();
    }
    await compacted;
    expect(of.index.stats().removed).toBeLessThan(100);
    checkAll(of, maker);
    const abort = new AbortController();
    abort.abort();
    await expect(of.index.compact({ signal: abort.signal })).rejects.toThrow(AbortedError);
    checkAll(of, maker);
  });

  it('that is full says so, keeps what it has, and takes more after deletions and a compaction', async () => {
    const maker = wordMaker(SEED, 50_000);
    const index = createKeywordIndex({ memory: 4 * 2 ** 20 });
    const fill = (from: number): number => {
      for (let n = from; ; n++) {
        try {
          index.put(`d${n}`, maker.text(500));
        } catch (error) {
          expect(error).toBeInstanceOf(UnavailableError);
          expect((error as Error).message).toMatch(/full; nothing was stored.*compact\(\).*bytes/s);
          return n;
        }
      }
    };
    const stored = fill(0);
    expect(stored).toBeGreaterThan(100);
    expect(index.size).toBe(stored);
    expect(index.stats().bytes).toBeLessThan(4.2 * 2 ** 20);
    // One that is replaced is still there.
    const [before] = index.search('w0', { filter: (id) => id === 'd0' });
    expect(() => index.put('d0', Array.from({ length: 9_000 }, (_, n) => `fresh${n}`).join(' '))).toThrow(
      UnavailableError,
    );
    expect(index.search('w0', { filter: (id) => id === 'd0' })).toEqual([before]);
    for (let n = 0; n < stored; n += 2) index.delete(`d${n}`);
    await index.compact();
    const more = fill(stored);
    expect(more).toBeGreaterThan(stored + 20);
  });

  it.each([
    [() => createKeywordIndex({ fields: {} }), /fields is an object of weights/],
    [() => createKeywordIndex({ fields: { title: 0.1 } }), /fields.title is a weight.*got 0.1/],
    [() => createKeywordIndex({ b: 2 }), /b is a number from 0 to 1; got 2/],
    [
      () => createKeywordIndex({ stopWords: [5 as unknown as string] }),
      /stopWords is a list of words; one is 5/,
    ],
    [() => createKeywordIndex().put('', 'text'), /id is a string of 1 to 512/],
    [() => createKeywordIndex().put('a', { title: 'x' }), /without "fields" is a text/],
    [() => createKeywordIndex({ fields: { title: 1 } }).put('a', 'x'), /object of texts by field; got "x"/],
    [
      () => createKeywordIndex({ fields: { title: 1 } }).put('a', { body: 'x' }),
      /no field "body"; the index has title/,
    ],
    [() => createKeywordIndex().search(5 as unknown as string), /query is a text; got 5/],
    [() => createKeywordIndex().search('x', { limit: 4_096, offset: 1 }), /4096 together at most/],
    [() => createSparseIndex().put('a', { x: -1 }), /Weights are numbers from 0 to 63; that of "x" is -1/],
    [() => createSparseIndex().search({ x: Number.NaN }), /that of "x" is NaN/],
    [() => createSparseIndex().search('x' as never), /Weights are a Map or an object/],
  ])('refuses what it cannot take (%#)', (call, message) => {
    expect(call).toThrow(MisuseError);
    expect(call).toThrow(message);
  });
});

describe('an index of sparse vectors', () => {
  it(`answers as adding all products up does (seed ${SEED})`, () => {
    const maker = wordMaker(SEED);
    const index = createSparseIndex();
    const documents = new Map<string, Counts>();
    // Weights that 8 bits hold exactly: up to 1 in steps of 1/64, then in steps of 1/32.
    const weight = (): number =>
      maker.random.unit() < 0.7
        ? (1 + Math.floor(64 * maker.random.unit())) / 64
        : 1 + Math.floor(32 * maker.random.unit()) / 32;
    const weights = (terms: number): Map<string, number> =>
      new Map(Array.from({ length: terms }, () => [maker.word(), weight()]));
    for (let n = 0; n < 1_500; n++) {
      const id = `d${Math.floor(maker.random.unit() * 1_000)}`;
      const given = weights(30);
      index.put(id, n % 2 === 0 ? given : Object.fromEntries(given));
      documents.set(id, given);
      if (n % 5 === 0) expect(index.delete(`d${n % 1_000}`)).toBe(documents.delete(`d${n % 1_000}`));
    }
    for (let n = 0; n < 20; n++) {
      const query = weights(1 + n);
      expectSame(index.search(query, { limit: 25 }), productsOf(query, documents).slice(0, 25));
    }
  });

  it('keeps other weights within 1.6 percent, and leaves out what is next to nothing', () => {
    const index = createSparseIndex();
    const given = [0.02, 0.3, 0.777, 1.234, 2.9, 17.3, 62.9];
    index.put(
      'a',
      Object.fromEntries([...given.map((value, n) => [`t${n}`, value] as const), ['none', 0.003]]),
    );
    given.forEach((value, n) => {
      const [hit] = index.search({ [`t${n}`]: 2 });
      expect(Math.abs(hit!.score - 2 * value)).toBeLessThanOrEqual(Math.max(1 / 64, 0.032 * value));
    });
    expect(index.search({ none: 1 })).toEqual([]);
  });
});
