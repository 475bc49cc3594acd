/** Queries with words that are typed in part or with an error, compared with looking at all terms and all documents. */
import { MisuseError, seededRandom } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { createKeywordIndex } from '../src/keywords/keywords.js';
import { countsOf } from './keyword-oracle.js';
import { idsOf, server, useRedis } from './setting.js';

const SEED = 47;

/** Edits between two words, neighbours that change places as one, by the whole table. */
function editsBetween(one: string, other: string): number {
  const table = Array.from({ length: one.length + 1 }, (_, i) =>
    Array.from({ length: other.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= one.length; i += 1) {
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = one[i - 1] === other[j - 1];
      let least = Math.min(
        table[i - 1]![j]! + 1,
        table[i]![j - 1]! + 1,
        table[i - 1]![j - 1]! + (isSame ? 0 : 1),
      );
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
        least = Math.min(least, table[i - 2]![j - 2]! + 1);
      table[i]![j] = least;
    }
  }
  return table[one.length]![other.length]!;
}

type Documents = ReadonlyMap<string, ReadonlyMap<string, number>>;
interface Wishes {
  readonly prefix?: boolean;
  readonly typos?: boolean;
}

/** What each word of a query stands for, with its weight, the frequent ones first. */
function variantsOf(
  word: string,
  documents: Documents,
  { isLast, typos = false }: Wishes & { isLast: boolean },
) {
  const having = new Map<string, number>();
  for (const counts of documents.values())
    for (const term of counts.keys()) having.set(term, (having.get(term) ?? 0) + 1);
  const isBeginning = isLast && word.length >= 2;
  let found = [...having].filter(([term]) => (isBeginning ? term.startsWith(word) : term === word));
  let weightOf = (term: string): number => word.length / term.length;
  if (found.length === 0 && typos && word.length >= 4) {
    found = [...having].filter(([term]) => editsBetween(term, word) === 1);
    weightOf = () => 0.5;
  }
  const sorted = found.sort(
    ([a, one], [b, other]) => Number(b === word) - Number(a === word) || other - one || (a < b ? -1 : 1),
  );
  const kept = sorted.slice(0, 50);
  const most = Math.max(...kept.map(([, count]) => count));
  return kept.map(([term]) => ({ term, weight: weightOf(term), most }));
}

/** BM25, where all that a word stands for is as rare as the most frequent of it. */
function expected(query: string, documents: Documents, { prefix = false, ...wishes }: Wishes) {
  const words = query.split(' ');
  const lengths = new Map(
    [...documents].map(([id, counts]) => [id, [...counts.values()].reduce((a, b) => a + b, 0)]),
  );
  const mean = [...lengths.values()].reduce((a, b) => a + b, 0) / documents.size;
  const scores = new Map<string, number>();
  words.forEach((word, at) => {
    const isLast = prefix && at === words.length - 1;
    for (const { term, weight, most } of variantsOf(word, documents, { ...wishes, isLast })) {
      const idf = Math.log(1 + (documents.size - most + 0.5) / (most + 0.5));
      for (const [id, counts] of documents) {
        const tf = counts.get(term);
        if (tf === undefined) continue;
        const part = (weight * idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * lengths.get(id)!) / mean));
        scores.set(id, (scores.get(id) ?? 0) + part);
      }
    }
  });
  return [...scores].sort(([a, one], [b, other]) => Number((other - one).toFixed(9)) || (a < b ? -1 : 1));
}

describe('words that are typed in part or with an error', () => {
  it(`are found as by looking at all terms, through changes and compactions (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const letters = (count: number): string =>
      Array.from({ length: count }, () => 'abce'[Math.floor(4 * random.unit() ** 1.5)]).join('');
    const word = (): string => letters(1 + Math.floor(7 * random.unit()));
    const index = createKeywordIndex();
    const documents = new Map<string, Map<string, number>>();
    const change = (count: number): void => {
      for (let n = 0; n < count; n += 1) {
        const id = `d${Math.floor(300 * random.unit())}`;
        if (random.unit() < 0.2) {
          expect(index.delete(id)).toBe(documents.delete(id));
          continue;
        }
        const text = Array.from({ length: 1 + Math.floor(8 * random.unit()) }, word).join(' ');
        index.put(id, text);
        documents.set(id, countsOf(text));
      }
    };
    const check = (): void => {
      for (let n = 0; n < 12; n += 1) {
        const query = Array.from({ length: 1 + (n % 3) }, word).join(' ');
        const wishes = { prefix: n % 2 === 0, typos: n % 3 !== 0 };
        const wanted = expected(query, documents, wishes).slice(0, 10);
        const found = index.search(query, wishes);
        const told = { query, ...wishes };
        expect({ ...told, found: found.map(({ score }) => score.toFixed(6)) }).toEqual({
          ...told,
          found: wanted.map(([, score]) => score.toFixed(6)),
        });
        const scores = new Map(expected(query, documents, wishes));
        for (const { id, score } of found) expect(scores.get(id)).toBeCloseTo(score, 6);
      }
    };
    for (let round = 0; round < 3; round += 1) {
      change(250);
      check();
      if (round === 1) await index.compact();
    }
  });

  it('are the last one as it is being typed, and those that no text has', () => {
    const index = createKeywordIndex();
    index.put('a', 'reset the password');
    index.put('b', 'a passage');
    index.put('c', 'passed');
    const find = (query: string, wishes: Wishes) => index.search(query, wishes).map(({ id }) => id);
    expect(find('pass', {})).toEqual([]);
    expect(find('pass', { prefix: true }).sort()).toEqual(['a', 'b', 'c']);
    expect(find('PASSW', { prefix: true })).toEqual(['a']);
    expect(find('pass ', { prefix: true })).toEqual([]); // it is over
    expect(find('pass reset', { prefix: true })).toEqual(['a']);
    expect(find('p', { prefix: true })).toEqual([]);
    for (const wrong of ['pasword', 'passwrod', 'passwort', 'passsword', 'qassword'])
      expect({ wrong, found: find(wrong, { typos: true }) }).toEqual({ wrong, found: ['a'] });
    expect(find('paswort', { typos: true })).toEqual([]); // two errors
    index.put('d', 'passwort');
    expect(find('passwort', { typos: true })).toEqual(['d']);
    const { text, marks } = index.snippet('Choose a password here', 'chose pass', {
      prefix: true,
      typos: true,
    });
    expect(marks.map(({ start, end }) => text.slice(start, end))).toEqual(['password']);
    expect(() => index.search('x', { prefix: 1 as never })).toThrow(MisuseError);
  });
});

describe('a search of documents in Redis', () => {
  useRedis();
  it('finds words by their beginning, and with an error, and marks them', async () => {
    const kb = server({ keywords: {} });
    await kb.put({ id: 'a', text: 'reset the password' });
    const { place: after } = await kb.put({ id: 'b', text: 'opening hours' });
    expect(idsOf(await kb.search({ text: 'pass', after }))).toEqual([]);
    const found = await kb.search({ text: 'opning pass', prefix: true, typos: true, snippet: {} });
    expect(idsOf(found).sort()).toEqual(['a', 'b']);
    expect(found.hits.map(({ snippet }) => snippet?.marks.length)).toEqual([1, 1]);
    await expect(kb.search({ text: 'x', prefix: 'yes' as never })).rejects.toThrow(/prefix/);
    await expect(server().search({ vector: [1, 0, 0], typos: true })).rejects.toThrow(/needs "keywords"/);
  });
});
