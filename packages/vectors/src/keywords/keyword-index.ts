/**
 * An index of the words of texts in the memory of this process: put, delete, and search by BM25.
 *
 * Guarantees: those of `inverted-index.ts`; the best documents are found, not approximately. What a put replaces is found until
 * the new text is there.
 */
import { display, MisuseError, readOptions, type Settings } from '@holdfast/kernel';
import type { Hit } from '../index/finding.js';
import { codeOf } from './codes.js';
import type { Ask } from './find.js';
import { InvertedIndex, type KeywordStats } from './inverted-index.js';
import {
  COMPACT,
  type CompactOptions,
  FIELD_UNIT,
  KEYWORD_INDEX,
  type KeywordIndexOptions,
  QUERY,
  type QueryOptions,
  readWordSearch,
  requireDocumentId,
  type WordSearchOptions,
} from './options.js';
import { mostToldOf, planOf, type QueryCounts, type WordsPlan } from './plan.js';
import type { Content } from './postings.js';
import { bm25 } from './scoring.js';
import { type Snippet, type SnippetOptions, snippetOf } from './snippet.js';
import { Tokenizer } from './tokenizer.js';
import type { Word } from './variants.js';

/** A text, or the texts of fields; a document need not have all of them. */
export type Text = string | Readonly<Record<string, string>>;

/** Of one document: as many as its list has room for. */
const MOST_TERMS = 65_535;

/** How a query is read. */
type QueryWishes = { readonly [Name in keyof QueryOptions]: boolean | undefined };

export class KeywordIndex {
  readonly #settings: Settings<typeof KEYWORD_INDEX>;
  readonly #tokenizer: Tokenizer;
  readonly #index: InvertedIndex;

  /** Throws MisuseError. */
  constructor(options: KeywordIndexOptions) {
    this.#settings = readOptions('createKeywordIndex', options, KEYWORD_INDEX);
    this.#tokenizer = new Tokenizer(this.#settings);
    this.#index = new InvertedIndex(this.#settings);
  }

  get size(): number {
    return this.#index.size;
  }

  has(id: string): boolean {
    return this.#index.has(id);
  }

  /**
   * Stores a text under an id, in place of the one that it had; a text without words is found by nothing. Throws MisuseError for
   * what is no text, for a field that is not declared, and for more than 65,535 different words; UnavailableError when the memory
   * is full. Then nothing has changed.
   */
  put(id: string, text: Text): void {
    requireDocumentId(id);
    this.#index.put(id, this.#contentOf(id, text));
  }

  /** Whether there was one. */
  delete(id: string): boolean {
    return this.#index.delete(id);
  }

  /** The documents with the highest scores, the best first; of equal ones by id. Throws MisuseError. */
  search(query: string, options: WordSearchOptions = {}): Hit[] {
    if (typeof query !== 'string') throw new MisuseError(`A query is a text; got ${display(query)}.`);
    const wishes = readWordSearch(options);
    const { limit, offset, minScore, filter } = wishes;
    const plan = this.planOf(query, wishes);
    return this.find(plan, { k: limit + offset, minScore, filter }).slice(offset);
  }

  /** The words of a query. */
  wordsOf(query: string, { prefix, typos }: QueryWishes): readonly Word[] {
    const tokens = this.#tokenizer.tokens(query);
    const last = tokens.at(-1);
    const beginning = prefix && last?.end === query.length ? last.term : undefined;
    const times = new Map<string, number>();
    for (const { term } of tokens) times.set(term, (times.get(term) ?? 0) + 1);
    return [...times].map(([text, count]) => ({
      ...{ text, times: count, isBeginning: text === beginning },
      typos: typos === true,
    }));
  }

  /** What it has for words: for a plan of this index alone, or of several, of which this is one. */
  count(words: readonly Word[], indexes = 1): QueryCounts {
    return this.#index.count(words, mostToldOf(indexes));
  }

  /** The documents with the highest scores by a plan, the best first; of equal ones by id. */
  find({ weights, meanLength }: WordsPlan, ask: Omit<Ask, 'terms' | 'scoring'>): Hit[] {
    const { k1, b } = this.#settings;
    return this.#index.find({
      ...ask,
      terms: weights,
      scoring: bm25({ k1, b, unit: FIELD_UNIT, meanLength }),
    });
  }

  /**
   * The part of a text that says most about a query, with the words that match. The text need not be in the index, which tells how
   * rare the words are. Throws MisuseError.
   */
  snippet(text: string, query: string, options: SnippetOptions & QueryWishes = {}): Snippet {
    for (const each of [text, query]) {
      if (typeof each !== 'string') throw new MisuseError(`snippet takes two texts; got ${display(each)}.`);
    }
    const { prefix, typos, ...plain } = options;
    const wishes = readOptions('snippet', { prefix, typos }, QUERY);
    return this.mark(text, this.planOf(query, wishes), plain);
  }

  /** The part of a text that says most about a query, by the plan of that. Throws MisuseError. */
  mark(text: string, { rarities }: WordsPlan, options: SnippetOptions): Snippet {
    return snippetOf({ text, tokens: this.#tokenizer.tokens(text), weights: new Map(rarities) }, options);
  }

  stats(): KeywordStats {
    return this.#index.stats();
  }

  /**
   * Gives back what deleted and replaced documents take, in slices between which the event loop goes on. Call it when
   * `stats().isCompactionDue`. Throws BusyError while another one goes on, AbortedError, and UnavailableError when what is put
   * meanwhile does not fit.
   */
  async compact(options: CompactOptions = {}): Promise<void> {
    const { signal } = readOptions('compact', options, COMPACT);
    await this.#index.compact(signal);
  }

  /** By what it counts itself. */
  planOf(query: string, wishes: QueryWishes): WordsPlan {
    const words = this.wordsOf(query, wishes);
    return planOf(words, [this.count(words)]);
  }

  #contentOf(id: string, text: Text): Content {
    const counts = new Map<string, number>();
    let length = 0;
    for (const [part, weight] of this.#partsOf(text)) {
      for (const { term } of this.#tokenizer.tokens(part)) {
        counts.set(term, (counts.get(term) ?? 0) + weight);
        length += weight;
      }
    }
    if (counts.size > MOST_TERMS) {
      throw new MisuseError(
        `A document has ${MOST_TERMS} different words at most; ${display(id)} has ${counts.size}. Put its parts as documents of their own.`,
      );
    }
    const codes = Uint8Array.from(counts.values(), (weight) => codeOf(weight / FIELD_UNIT));
    return { terms: [...counts.keys()], codes, length };
  }

  #partsOf(text: unknown): (readonly [string, number])[] {
    const { fields } = this.#settings;
    if (fields === undefined) {
      if (typeof text === 'string') return [[text, 1]];
      throw new MisuseError(
        `A document of an index without "fields" is a text; got ${display(text)}. Declare the fields in createKeywordIndex().`,
      );
    }
    if (typeof text !== 'object' || text === null || Array.isArray(text)) {
      throw new MisuseError(`A document is an object of texts by field; got ${display(text)}.`);
    }
    return Object.entries(text).map(([name, part]: [string, unknown]) => {
      if (!Object.hasOwn(fields, name)) {
        const known = Object.keys(fields).join(', ');
        throw new MisuseError(`A document has no field ${display(name)}; the index has ${known}.`);
      }
      if (typeof part !== 'string') {
        throw new MisuseError(`The field "${name}" is a text; got ${display(part)}.`);
      }
      return [part, fields[name]!];
    });
  }
}
