/**
 * What a sharded index asks of the index in each of its shards, to make one ranking of all: how rare the words of a query are there,
 * what each half finds by what all shards have counted, and vectors and texts of what was found.
 *
 * Guarantees: an answer is of data only, so that it can be sent as text. What cannot be a question of a sharded index with the same
 * options is a MisuseError.
 */
import {
  fitting,
  having,
  MisuseError,
  optional,
  passedOn,
  type Reader,
  type Readers,
  readOptions,
  type Settings,
  text,
  whole,
} from '@holdfast/kernel';
import { isOfEpoch } from '../follow/place.js';
import type { Vector } from '../index/metric.js';
import { MOST } from '../kernel/layout.js';
import type { KeywordIndex } from '../keywords/keyword-index.js';
import type { QueryCounts, WordsPlan } from '../keywords/plan.js';
import type { SnippetOptions } from '../keywords/snippet.js';
import { readTerms, type TermWeights } from '../keywords/sparse-index.js';
import type { Word } from '../keywords/variants.js';
import type { Facets } from '../query/browse.js';
import type { Filter } from '../query/filter.js';
import type { FoundText, Rankings } from '../query/rankings.js';
import type { Search } from '../query/search.js';
import type { Shelved } from '../query/shelf.js';
import type { Attributes } from '../truth/record.js';
import { SEEN, type SeenOptions } from '../vector-index-options.js';

type Seen = Pick<SeenOptions, 'after' | 'wait'>;

export interface CountsQuestion extends Seen {
  readonly words: readonly Word[];
  /** How many shards there are. */
  readonly shards: number;
}

export interface RankQuestion extends Seen {
  /** By name of the vectors. */
  readonly meanings: readonly (readonly [name: string, vector: Vector])[];
  readonly plan?: WordsPlan | undefined;
  readonly terms?: TermWeights | undefined;
  readonly filter?: Filter | undefined;
  readonly facets: readonly string[];
  /** Of each half. */
  readonly most: number;
  readonly minScore?: number | undefined;
}

export interface Ranked {
  readonly near: Rankings['near'];
  readonly words: Rankings['words'];
  /** With their times in ms. */
  readonly found: readonly {
    readonly id: string;
    readonly attributes: Attributes;
    readonly time: number;
    readonly sequence: number;
  }[];
  readonly facets: Facets;
  readonly place: string;
  readonly generation: string;
}

export interface VectorsQuestion {
  readonly hits: readonly Shelved[];
  readonly generation: string;
  readonly by?: string | undefined;
}

export interface TextsQuestion {
  readonly hits: readonly Shelved[];
  readonly snippet?: SnippetOptions | undefined;
  readonly plan?: WordsPlan | undefined;
}

export interface PartOptions {
  readonly name: string;
  readonly search: Search;
  /** When a place is applied, or everything for the first time. */
  readonly reach: (seen: Settings<typeof SEEN>) => Promise<void>;
  /** Does what is refused once the index is closed. */
  readonly during: <T>(doing: string, work: () => Promise<T>) => Promise<T>;
}

const { after, wait } = SEEN;
const each = <T>(what: string, fits: (value: unknown) => boolean): Reader<readonly T[]> =>
  fitting(what, (value) => Array.isArray(value) && value.every(fits));

const plan = optional(
  fitting<WordsPlan>('a plan of words', (value) => {
    const { meanLength, weights, rarities } = Object(value) as Partial<WordsPlan>;
    const areNumbers = (all: unknown): boolean =>
      Array.isArray(all) && all.every(([term, number]) => typeof term === 'string' && number > 0);
    return Number(meanLength) >= 0 && areNumbers(weights) && areNumbers(rarities);
  }),
);
const hits = each<Shelved>('a list of hits', (hit) => typeof Object(hit).id === 'string');

const COUNTS = {
  ...{ after, wait },
  words: each<Word>('a list of words', (word) => typeof Object(word).text === 'string'),
  shards: whole(1, 256),
} satisfies Readers<CountsQuestion>;

const RANK = {
  ...{ after, wait, plan },
  meanings: each<RankQuestion['meanings'][number]>('a list of vectors by name', Array.isArray),
  terms: optional(readTerms),
  filter: optional(passedOn<Filter>()),
  facets: each<string>('a list of names', (name) => typeof name === 'string'),
  most: whole(1, MOST),
  minScore: optional(fitting<number>('a number', Number.isFinite)),
} satisfies Readers<RankQuestion>;

const VECTORS = { hits, generation: text('a generation'), by: optional(text('a name')) };
const TEXTS = { hits, plan, snippet: optional(having<SnippetOptions>()) };

export class IndexPart {
  readonly #options: PartOptions;

  /** Use `part()` of an index. */
  constructor(options: PartOptions) {
    this.#options = options;
  }

  /** What each word of a query may stand for, and how often that is there. Throws MisuseError and UnavailableError, as all here. */
  async counts(question: CountsQuestion): Promise<QueryCounts> {
    const { words, shards, ...seen } = readOptions('counts', question, COUNTS);
    const keywords = this.#keywords();
    await this.#options.reach({ ...seen, signal: undefined });
    return keywords.count(words, shards);
  }

  /** What each half finds, at one moment. */
  async rank(question: RankQuestion): Promise<Ranked> {
    const { meanings, plan: words, after: seen, wait: most, ...sought } = readOptions('rank', question, RANK);
    if (words) this.#keywords();
    const { search, reach, during } = this.#options;
    const all = {
      ...{ ...sought, meanings: new Map(meanings), signal: undefined },
      plan: words && (() => words),
    };
    return during('it was searched', async () => {
      for (;;) {
        await reach({ after: seen, wait: most, signal: undefined });
        const { rankings, index, place, facets } = await search.rankings(all);
        // While it searched, the server may have become one that has forgotten the place; reaching it throws then.
        if (seen !== undefined && !isOfEpoch(place, seen)) continue;
        const { near, words: byWords, documents } = rankings;
        const found = [...documents.values()].map((known) => ({ ...known, time: known.time.getTime() }));
        return { near, words: byWords, found, facets, place, generation: index.generation };
      }
    });
  }

  /** The numbers of each vector in 32 bits, as base64; those that a document has as it was when it was found. */
  async vectors(question: VectorsQuestion): Promise<readonly (readonly [id: string, numbers: string])[]> {
    const { hits: wanted, ...of } = readOptions('vectors', question, VECTORS);
    const { search, reach, during } = this.#options;
    await reach({ after: undefined, wait: 0, signal: undefined });
    const found = await during('vectors were read', () => search.vectorsOf(wanted, of));
    return [...found].map(([id, vector]) => [id, base64Of(vector)]);
  }

  /** Texts, and the parts of them that say most about a query. */
  async texts(question: TextsQuestion): Promise<readonly (readonly [id: string, FoundText])[]> {
    const { hits: wanted, snippet, plan: words } = readOptions('texts', question, TEXTS);
    const { search, during } = this.#options;
    return [...(await during('texts were read', () => search.textsOf(wanted, { snippet, plan: words })))];
  }

  #keywords(): KeywordIndex {
    const { name, search } = this.#options;
    if (search.keywords) return search.keywords;
    throw new MisuseError(
      `The index "${name}" is a shard that has no "keywords" in this process; give createShardedIndex() the same options everywhere.`,
    );
  }
}

const base64Of = (vector: Float32Array): string =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');

export function vectorOf(numbers: string): Float32Array {
  const bytes = Buffer.from(numbers, 'base64');
  return Float32Array.from({ length: bytes.length >> 2 }, (_, at) => bytes.readFloatLE(4 * at));
}
