/**
 * From text to terms: words after the rules of Unicode, without their case and accents, and then without stop words and
 * endings, if that is asked for.
 *
 * Guarantees: the same word gives the same term, however it is composed, accented or capitalised; `start` and `end` of a
 * token are where the word stands in the text as it was given. Words of scripts without spaces are found by `Intl.Segmenter`.
 */
import { callback, display, list, MisuseError, optional, type Reader, type Readers } from '@holdfast/kernel';

export interface TokenizerOptions {
  /** Words that are neither stored nor searched. Default none: frequent words count little anyway. */
  readonly stopWords?: readonly string[];
  /** Makes one term of the forms of a word, such as a Snowball stemmer; it is given the word without case and accents. Default none. */
  readonly stem?: (word: string) => string;
}

const words: Reader<readonly string[]> = (option, value) => {
  const given = list<unknown>('a list of words')(option, value);
  const wrong = given.find((each) => typeof each !== 'string');
  if (wrong === undefined) return given as readonly string[];
  throw new MisuseError(`${option} is a list of words; one is ${display(wrong)}.`);
};

export const TOKENIZER = {
  stopWords: optional(words),
  stem: optional(callback<(word: string) => string>('a word')),
} satisfies Readers<TokenizerOptions>;

export interface Token {
  readonly term: string;
  readonly start: number;
  readonly end: number;
}

/** Longer words are cut: what is so long is data, not a word. */
const LONGEST = 64;
const NOT_ASCII = /[^\0-\x7f]/;
/** Letters and digits; an apostrophe between letters and a point or comma between digits belong to the word. */
const ASCII_WORD = /[a-z0-9]+(?:'(?=[a-z])[a-z0-9]+|(?<=[0-9])[.,](?=[0-9])[a-z0-9]+)*/gi;
const WORD =
  /[\p{L}\p{N}\p{M}]+(?:['’](?=\p{L})[\p{L}\p{N}\p{M}]+|(?<=\p{N})[.,](?=\p{N})[\p{L}\p{N}\p{M}]+)*/gu;
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export class Tokenizer {
  readonly #stopWords: ReadonlySet<string>;
  readonly #stem: ((word: string) => string) | undefined;
  readonly #segmenter = new Intl.Segmenter('und', { granularity: 'word' });

  constructor({ stopWords = [], stem }: { stopWords?: readonly string[] | undefined; stem?: unknown }) {
    this.#stopWords = new Set(stopWords.map(folded));
    this.#stem = stem as ((word: string) => string) | undefined;
  }

  /** In the order of the text. Throws MisuseError if the stemmer gives something else than a string. */
  tokens(text: string): Token[] {
    const tokens: Token[] = [];
    const isAscii = !NOT_ASCII.test(text);
    const take = (word: string, start: number): void => {
      const term = this.#termOf(isAscii ? cut(word.toLowerCase()) : folded(word));
      if (term !== '') tokens.push({ term, start, end: start + word.length });
    };
    for (const match of text.matchAll(isAscii ? ASCII_WORD : WORD)) {
      const [word] = match;
      if (isAscii || !WITHOUT_SPACES.test(word)) {
        take(word, match.index);
        continue;
      }
      for (const { segment, index, isWordLike } of this.#segmenter.segment(word)) {
        if (isWordLike) take(segment, match.index + index);
      }
    }
    return tokens;
  }

  /** Empty if the word is none that counts. */
  #termOf(word: string): string {
    if (this.#stopWords.has(word)) return '';
    if (this.#stem === undefined) return word;
    const term: unknown = this.#stem(word);
    if (typeof term === 'string') return term;
    throw new MisuseError(`"stem" gives a string; for ${display(word)} it gave ${display(term)}.`);
  }
}

/** Without case, compatibility forms and accents; "ß" is "ss", and "ς" is "σ". */
function folded(word: string): string {
  if (!NOT_ASCII.test(word)) return cut(word.toLowerCase());
  const plain = word
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toUpperCase()
    .toLowerCase();
  return cut(plain.normalize('NFC').replaceAll('ς', 'σ').replaceAll('’', "'"));
}

const cut = (word: string): string => (word.length > LONGEST ? word.slice(0, LONGEST) : word);
