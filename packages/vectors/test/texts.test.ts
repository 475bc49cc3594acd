/** What happens to texts: chunks, snippets, and vectors of a model. */
import { AbortedError, MisuseError, seededRandom } from '@holdfast/kernel';
import {
  chunksOf,
  createEmbedder,
  createKeywordIndex,
  type EmbeddingModelLike,
  embedWith,
} from '@holdfast/vectors';
import { describe, expect, it } from 'vitest';

const SEED = 3;
const wordsOf = (text: string) => text.match(/[a-z0-9]+/g) ?? [];

describe('chunks', () => {
  it(`have each word, are no longer than asked for, and overlap (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    for (let n = 0; n < 60; n++) {
      const count = Math.floor(400 * random.unit() ** 2);
      const text = Array.from({ length: count }, (_, at) => {
        const draw = random.unit();
        return `w${at}${draw < 0.1 ? '. ' : draw < 0.13 ? '.\n\n ' : ' '}`;
      }).join('');
      const [size, overlap] = [20 + Math.floor(30 * random.unit()), Math.floor(10 * random.unit())];
      const chunks = chunksOf(text, { size, overlap });
      let next = 0;
      for (const { text: part, start, end } of chunks) {
        expect(text.slice(start, end)).toBe(part);
        const words = wordsOf(part);
        expect(words.length).toBeLessThanOrEqual(size);
        expect(words[0]).toBe(`w${next}`);
        next += words.length - overlap;
      }
      expect(count === 0 ? 0 : next + overlap).toBe(count);
    }
  });

  it('end with a paragraph, else with a sentence', () => {
    const sentence = 'One two three four five six. ';
    const [first] = chunksOf(`${sentence.repeat(2)}\n\n${sentence.repeat(3)}`, { size: 20, overlap: 0 });
    expect(wordsOf(first!.text)).toHaveLength(12);
    const [other] = chunksOf(sentence.repeat(9), { size: 20, overlap: 0 });
    expect(other!.text).toBe(sentence.repeat(3).trim());
    expect(chunksOf(' \n ')).toEqual([]);
    expect(() => chunksOf(sentence, { size: 20, overlap: 10 })).toThrow(
      /less than half of "size", which is 20/,
    );
    expect(() => chunksOf(5 as unknown as string)).toThrow(MisuseError);
  });
});

describe('a snippet', () => {
  const filler = (words: number) => Array.from({ length: words }, (_, at) => `filler${at % 7}`).join(' ');

  it('is where the most and the rarest words of the query stand, which it marks', () => {
    const index = createKeywordIndex();
    for (let n = 0; n < 50; n++) index.put(`d${n}`, `often ${n === 0 ? 'Résumé' : 'other'}`);
    const text = `often often often ${filler(60)} the Résumé, often read ${filler(60)} often`;
    const { text: part, start, end, marks } = index.snippet(text, 'often resume', { words: 10 });
    expect(text.slice(start, end)).toBe(part);
    expect(marks.map((mark) => part.slice(mark.start, mark.end))).toEqual(['Résumé', 'often']);
    expect(part).toMatch(/filler\d the Résumé, often read filler/);
    expect(part.split(' ')).toHaveLength(10);
  });

  it('is the beginning if nothing matches, and all of a short text', () => {
    const index = createKeywordIndex();
    const text = filler(50);
    const { start, marks, text: part } = index.snippet(text, 'nothing', { words: 5 });
    expect({ start, marks, part }).toEqual({ start: 0, marks: [], part: filler(5) });
    expect(index.snippet('“Short!”', 'short')).toMatchObject({
      text: '“Short!”',
      marks: [{ start: 1, end: 6 }],
    });
    expect(() => index.snippet(text, 5 as unknown as string)).toThrow(MisuseError);
    expect(() => index.snippet(text, 'x', { words: 1 })).toThrow(/words is a whole number from 3/);
  });
});

describe('a model of the ai package', () => {
  it('is asked by doEmbed, with no more texts than it takes', async () => {
    const calls: string[][] = [];
    const signal = new AbortController().signal;
    const model: EmbeddingModelLike = {
      modelId: 'test',
      maxEmbeddingsPerCall: 2,
      async doEmbed({ values, abortSignal }) {
        expect(abortSignal).toBe(signal);
        calls.push(values);
        return { embeddings: values.map((value) => [value.length]) };
      },
    };
    expect(await embedWith(model)(['a', 'bb', 'ccc'], signal)).toEqual([[1], [2], [3]]);
    expect(calls).toEqual([['a', 'bb'], ['ccc']]);
    expect(() => embedWith('text-embedding-3-small' as never)).toThrow(
      /embedding model.*doEmbed.*got "text-embedding/s,
    );
    const short = embedWith({ modelId: 'short', doEmbed: async () => ({ embeddings: [] }) });
    await expect(short(['a'], signal)).rejects.toThrow(/each of 1 texts; got 0 of them/);
  });
});

describe('an embedder', () => {
  function counted(options: object = {}) {
    const calls: string[][] = [];
    const embed = async (texts: readonly string[]) => {
      calls.push([...texts]);
      if (texts.includes('bad')) throw new Error('no vector for bad');
      return texts.map((text) => [text.length, 1]);
    };
    return { calls, embedder: createEmbedder({ embed, model: 'm', ...options }) };
  }

  it('asks once for equal texts, and in one call for those that come together', async () => {
    const { calls, embedder } = counted();
    const [one, other] = await Promise.all([embedder.embed(['a', 'bb', 'a']), embedder.embed(['bb', 'ccc'])]);
    expect(one.map(([length]) => length)).toEqual([1, 2, 1]);
    expect(other.map(([length]) => length)).toEqual([2, 3]);
    await embedder.embed(['ccc', 'a']);
    expect(calls).toEqual([['a', 'bb', 'ccc']]);
  });

  it('keeps as many as it was told, those used last, and splits what is too much for a call', async () => {
    const { calls, embedder } = counted({ cache: 2, batch: 2 });
    await embedder.embed(['a', 'bb', 'ccc']);
    expect(calls).toEqual([['a', 'bb'], ['ccc']]);
    await embedder.embed(['bb']);
    await embedder.embed(['dddd']);
    await embedder.embed(['bb', 'ccc']);
    expect(calls.slice(2)).toEqual([['dddd'], ['ccc']]);
  });

  it('lets a text that no model takes fail alone, and tries it again next time', async () => {
    const { calls, embedder } = counted();
    const [good, bad] = await Promise.allSettled([embedder.embed(['good']), embedder.embed(['bad'])]);
    expect(good).toMatchObject({ status: 'fulfilled' });
    expect(bad).toMatchObject({ reason: { message: 'no vector for bad' } });
    expect(calls).toEqual([['good', 'bad'], ['good'], ['bad']]);
    await expect(embedder.embed(['bad'])).rejects.toThrow('no vector for bad');
    expect(calls).toHaveLength(4);
  });

  it('aborts the model once nobody waits', async () => {
    let told: AbortSignal | undefined;
    let called = (): void => {};
    const begun = new Promise<void>((resolve) => {
      called = resolve;
    });
    const embed = (_: readonly string[], signal: AbortSignal) =>
      new Promise<number[][]>((_, reject) => {
        told = signal;
        signal.addEventListener('abort', () => reject(signal.reason));
        called();
      });
    const embedder = createEmbedder({ embed, model: 'm' });
    const [one, other] = [new AbortController(), new AbortController()];
    const first = embedder.embed(['a'], { signal: one.signal });
    const second = embedder.embed(['a'], { signal: other.signal });
    await begun;
    one.abort();
    await expect(first).rejects.toThrow(AbortedError);
    expect(told?.aborted).toBe(false);
    other.abort();
    await expect(second).rejects.toThrow(AbortedError);
    expect(told?.aborted).toBe(true);
  });

  it('refuses what is no text, and vectors that are none', async () => {
    const { embedder } = counted();
    await expect(embedder.embed([5 as unknown as string])).rejects.toThrow(/embed takes texts; got 5/);
    const wrong = createEmbedder({ embed: async () => [[Number.NaN]], model: 'm' });
    await expect(wrong.embed(['a'])).rejects.toThrow(MisuseError);
    expect(() => createEmbedder({ embed: async () => [], model: '' })).toThrow(
      /model is the name of the model/,
    );
  });
});
