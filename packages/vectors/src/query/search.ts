/**
 * Searches of the documents that a follower knows: by vectors, by words, or by both. The order of what is done: embed, filter,
 * retrieve, fuse, rerank, diversify, page, and read texts.
 *
 * Guarantees: what is retrieved is as the documents are at one moment: all halves, facets and attributes are of the same. A vector
 * is compared with those of its own model only. What is late or fails is left out, and `degraded` says so.
 */
import {
  type Clock,
  display,
  MisuseError,
  type Settings,
  throwIfAborted,
  unlessAborted,
} from '@holdfast/kernel';
import { type Aspect, rankingOf } from '../aspect.js';
import type { Schema } from '../attributes/columns.js';
import type { Selection } from '../attributes/selection.js';
import type { Follower } from '../follow/follower.js';
import { GenerationIndex, type NearDocument } from '../follow/generation-index.js';
import type { ServerVectors } from '../follow/server-vectors.js';
import { fuse } from '../hybrid/fuse.js';
import { type Degradation, embedInTime } from '../hybrid/in-time.js';
import { rerank } from '../hybrid/rerank.js';
import type { Hit } from '../index/finding.js';
import type { Vector } from '../index/metric.js';
import { MOST } from '../kernel/layout.js';
import type { KeywordIndex } from '../keywords/keyword-index.js';
import type { SparseIndex } from '../keywords/sparse-index.js';
import type { Truth } from '../truth/truth.js';
import { type FIND, KEYWORDS_RANKING, TERMS_RANKING } from '../vector-index-options.js';
import { type Facets, facetsOf, requireFacets } from './browse.js';
import { checkExact, exactDepth, scoredExactly } from './exact.js';
import { conditionOf } from './filter.js';
import { type FoundDocument, type Results, told } from './results.js';
import { ServerSearch } from './server-search.js';
import type { Texts } from './texts.js';
import { checkVariety, MOST_CHOSEN, varied } from './variety.js';

export interface SearchParts {
  readonly schema: Schema;
  readonly aspects: readonly Aspect[];
  readonly keywords: KeywordIndex | undefined;
  readonly terms: SparseIndex | undefined;
  readonly follower: Follower;
  readonly truth: Truth;
  readonly texts: Texts;
  readonly clock: Clock;
  /** What is searched at the moment. */
  readonly serving: () => Serving;
}

interface Serving {
  readonly index: GenerationIndex | ServerVectors;
  /** Those of its model; undefined if this program does not have it. */
  readonly aspects: readonly Aspect[] | undefined;
  /** Throws the MisuseError that says that this program does not make vectors of its model, if so. */
  readonly requireOwn: () => void;
}

export type Wishes = Settings<typeof FIND>;

/** By name of the aspect. */
type Meanings = ReadonlyMap<string, Vector>;

/** Of each half, so many are fused at least. */
const LEAST_DEPTH = 50;

export class Search {
  readonly #parts: SearchParts;

  constructor(parts: SearchParts) {
    this.#parts = parts;
  }

  /** Throws MisuseError for wishes that do not fit the index. */
  check(wishes: Wishes): void {
    const { limit, offset, facets, filter, text, terms, snippet } = wishes;
    const { schema, keywords } = this.#parts;
    if (limit + offset > MOST) {
      throw new MisuseError(
        `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}.`,
      );
    }
    if (filter) conditionOf(filter, schema);
    requireFacets(facets, schema);
    checkVariety(wishes, this.#parts.aspects);
    const given = this.#given(wishes);
    const embedded = embeddingOf(this.#parts.aspects, wishes, given).length;
    for (const name of ['prefix', 'typos'] as const)
      if (wishes[name] && keywords === undefined)
        throw new MisuseError(`"${name}" of search needs "keywords" of createIndex().`);
    if (terms !== undefined && this.#parts.terms === undefined)
      throw new MisuseError('"terms" of search needs "terms" of createIndex().');
    const words = wordsIn(this.#parts, wishes);
    checkExact(wishes, words > 0 ? 0 : given.size + embedded);
    if (given.size + embedded + words === 0) {
      const what =
        text === undefined ? 'none' : 'a text, and createIndex() has neither "keywords" nor an "embedder"';
      throw new MisuseError(`A search has a "vector", a "text", "terms", or several of them; got ${what}.`);
    }
    if (snippet && (text === undefined || keywords === undefined)) {
      throw new MisuseError('"snippet" of search needs a "text", and "keywords" of createIndex().');
    }
  }

  /** When all that was to be seen is applied. Throws MisuseError, AbortedError and UnavailableError. */
  async results(wishes: Wishes): Promise<Results> {
    const { limit, offset, signal } = wishes;
    const { truth } = this.#parts;
    const degraded: Degradation[] = [];
    const { asked, found, facets, place, sequences } = await this.#retrieve(wishes, degraded);
    const answer = { facets, place };
    const from = { ...asked, truth, sequences, minScore: wishes.minScore };
    const scored = wishes.exact ? scoredExactly(found, from) : found;
    const exact = await unlessAborted(signal, 'vectors were read', Promise.resolve(scored));
    const ranked = await this.#reranked(wishes, exact, degraded);
    const chosen = await unlessAborted(signal, 'vectors were read', varied(wishes, ranked, from));
    const page = chosen.slice(offset, offset + limit);
    const hits = await unlessAborted(signal, 'texts were read', this.#withTexts(wishes, page, sequences));
    throwIfAborted(signal, 'searching');
    return { hits, ...answer, degraded };
  }

  /** All that is found, as it is at one moment: asked again if a new model went live meanwhile. */
  async #retrieve(wishes: Wishes, degraded: Degradation[]): Promise<Retrieved> {
    for (;;) {
      const { missing, ...asked } = await this.#ask(wishes);
      const searches = this.#onServer(wishes, asked);
      try {
        while (this.#parts.serving().index === asked.index) {
          const retrieved = this.#retrieved(wishes, asked, searches);
          if (retrieved) degraded.push(...missing.slice(0, 1));
          if (retrieved) return retrieved;
          const asking = [...searches.values()].map((each) => each.ask());
          await unlessAborted(wishes.signal, 'searching', Promise.all(asking));
        }
      } finally {
        for (const each of searches.values()) each.close();
      }
    }
  }

  /** The vectors of the query, those among which they are looked for, and what is late. */
  async #ask(wishes: Wishes): Promise<Asked & { readonly missing: readonly Degradation[] }> {
    const { clock, serving } = this.#parts;
    const { text, deadline, signal } = wishes;
    const given = this.#given(wishes);
    const { index, aspects, requireOwn } = serving();
    const words = wordsIn(this.#parts, wishes);
    if (given.size > 0 || (aspects === undefined && words === 0)) requireOwn();
    const missing: Degradation[] = [];
    const how = { clock, deadline, signal, degraded: missing };
    const embedding = embeddingOf(aspects ?? [], wishes, given);
    const embedded = await Promise.all(
      embedding.map(async ({ name, embedder }) => {
        const vector = await embedInTime(embedder, text ?? '', how);
        return vector === undefined ? [] : [[name, vector] as const];
      }),
    );
    const halves = given.size + embedding.length + words;
    const meanings: Meanings = new Map([...given, ...embedded.flat()]);
    return { index, aspects: aspects ?? [], meanings, isAlone: halves === 1, missing };
  }

  /** By name, if the server is the one that searches. */
  #onServer(wishes: Wishes, asked: Asked): ReadonlyMap<string, ServerSearch> {
    const { index, meanings } = asked;
    if (index instanceof GenerationIndex) return new Map();
    const condition = wishes.filter && conditionOf(wishes.filter, this.#parts.schema);
    const of = { condition, most: depthOf(wishes, asked), minScore: leastOf(wishes) };
    return new Map(
      [...meanings].map(([name, vector]) => [
        name,
        new ServerSearch(this.#parts, index, { ...of, name, vector }),
      ]),
    );
  }

  /** Undefined if the server is to be asked first, or again. Nothing is awaited, so that all is of the same moment. */
  #retrieved(
    wishes: Wishes,
    asked: Asked,
    searches: ReadonlyMap<string, ServerSearch>,
  ): Retrieved | undefined {
    const { filter, facets } = wishes;
    const { follower, schema } = this.#parts;
    follower.expire();
    const { documents, place } = follower;
    const selected = filter && documents.select(conditionOf(filter, schema));
    const near = new Map<string, readonly NearDocument[]>();
    for (const [name, search] of searches) {
      const hits = search.found(selected);
      if (hits === undefined) return undefined;
      near.set(name, hits);
    }
    const found = this.#found(wishes, { ...asked, near }, selected);
    const counted =
      facets.length > 0 ? facetsOf(documents, selected ?? documents.select(undefined), facets) : {};
    const sequences = new Map(found.map(({ id }) => [id, documents.get(id)?.sequence ?? 0]));
    return { asked, found, facets: counted, place, sequences };
  }

  /** The vectors that the caller gives, by name. Throws MisuseError. */
  #given({ vector, vectors = {} }: Wishes): Meanings {
    const { aspects } = this.#parts;
    const isNamed = aspects[0]?.name !== '';
    const names = aspects.map(({ name }) => name).join(', ');
    if (isNamed && vector !== undefined) {
      throw new MisuseError(
        `A search has no "vector" in an index with named vectors: give "vectors", by ${names}.`,
      );
    }
    for (const name of Object.keys(vectors)) {
      if (isNamed && aspects.some((each) => each.name === name)) continue;
      const known = isNamed ? `it has vectors of ${names}` : 'its vectors have no names: give "vector"';
      throw new MisuseError(`"vectors" of search has ${display(name)}, which the index has not; ${known}.`);
    }
    if (!isNamed) return new Map(vector === undefined ? [] : [['', vector]]);
    return new Map(Object.entries(vectors));
  }

  /** The best first, deeper than the page if there is more to be done with them. */
  #found(
    wishes: Wishes,
    asked: Asked & { readonly near: ReadonlyMap<string, readonly NearDocument[]> },
    selected: Selection | undefined,
  ): FoundDocument[] {
    const { index, meanings, isAlone } = asked;
    const { text, terms, prefix, typos, fuse: options } = wishes;
    const minScore = leastOf(wishes);
    const { aspects, keywords, terms: weights, follower } = this.#parts;
    const { documents } = follower;
    const isSelected =
      selected &&
      ((id: string): boolean => {
        const known = documents.get(id);
        return known !== undefined && selected.has(known.number);
      });
    const all = (): Selection => documents.select(undefined);
    const most = depthOf(wishes, asked);
    const near = new Map<string, readonly NearDocument[]>();
    for (const aspect of aspects) {
      const meaning = meanings.get(aspect.name);
      const { name } = aspect;
      const isHere = meaning !== undefined && index instanceof GenerationIndex;
      const here = isHere ? index.nearest(meaning, { name, most, minScore, selected, all }) : [];
      near.set(rankingOf(aspect), [...here, ...(asked.near.get(name) ?? [])]);
    }
    const how = { limit: most, ...(isSelected && { filter: isSelected }) };
    const rankings: Readonly<Record<string, readonly Hit[]>> = {
      ...Object.fromEntries(near),
      ...(keywords && {
        [KEYWORDS_RANKING]: text === undefined ? [] : keywords.search(text, { ...how, prefix, typos }),
      }),
      ...(weights && { [TERMS_RANKING]: terms === undefined ? [] : weights.search(terms, how) }),
    };
    const chunks = chunksOf(near);
    return fuse(rankings, options).flatMap((hit): FoundDocument[] => {
      const known = documents.get(hit.id);
      if (known === undefined) return [];
      const score = isAlone ? (Object.values(hit.scores)[0] ?? hit.score) : hit.score;
      return [{ ...told(known), ...hit, score, chunk: chunks.get(hit.id)?.chunk }];
    });
  }

  async #reranked(
    { rerank: options, text = '', limit, offset, signal }: Wishes,
    found: readonly FoundDocument[],
    degraded: Degradation[],
  ): Promise<readonly FoundDocument[]> {
    if (options === undefined) return found;
    const best = found.slice(0, Math.max(LEAST_DEPTH, limit + offset));
    const given = { ...options, clock: this.#parts.clock, ...(signal && { signal }) };
    const { hits, degraded: why } = await rerank(text, best, given);
    if (why !== undefined) degraded.push({ part: 'rerank', ...why });
    return hits;
  }

  async #withTexts(
    { texts: isTextWanted, snippet, text: query = '', prefix, typos }: Wishes,
    page: readonly FoundDocument[],
    sequences: ReadonlyMap<string, number>,
  ): Promise<readonly FoundDocument[]> {
    if (!isTextWanted && snippet === undefined) return page;
    const { texts } = this.#parts;
    const found = await texts.of(page.map(({ id }) => ({ id, sequence: sequences.get(id) ?? 0 })));
    return page.map((hit, at) => {
      const text = found[at];
      return {
        ...hit,
        ...(isTextWanted && { text }),
        ...(snippet && {
          snippet: text === undefined ? undefined : texts.snippet(text, query, { ...snippet, prefix, typos }),
        }),
      };
    });
  }
}

interface Asked {
  readonly index: GenerationIndex | ServerVectors;
  /** Those of its model; empty if this program does not have it. */
  readonly aspects: readonly Aspect[];
  readonly meanings: Meanings;
  /** Whether there is one half only, whose scores are told as they are. */
  readonly isAlone: boolean;
}

/** What was found, all as it was at one moment. */
interface Retrieved {
  readonly asked: Asked;
  readonly found: FoundDocument[];
  readonly facets: Facets;
  readonly place: string;
  /** That of each document that was found. */
  readonly sequences: ReadonlyMap<string, number>;
}

/** Below which score nothing is retrieved: rounded ones may be below and exact ones not. */
const leastOf = ({ exact, minScore }: Wishes): number | undefined => (exact ? undefined : minScore);

/** How many documents each half looks for. */
function depthOf(
  { limit, offset, exact, rerank: by, diversify }: Wishes,
  { isAlone }: Pick<Asked, 'isAlone'>,
): number {
  if (exact) return exactDepth(limit + offset);
  const wanted = diversify ? MOST_CHOSEN : limit + offset;
  const isPlain = isAlone && !by && !diversify;
  return Math.min(MOST, isPlain ? wanted : Math.max(LEAST_DEPTH, 4 * wanted));
}

/** How many rankings by words and by terms a search has. */
const wordsIn = ({ keywords, terms: weights }: SearchParts, { text, terms }: Wishes): number =>
  (text !== undefined && keywords ? 1 : 0) + (terms !== undefined && weights ? 1 : 0);

/** The aspects for which the text is embedded. */
function embeddingOf(aspects: readonly Aspect[], { text }: Wishes, given: Meanings) {
  if (text === undefined) return [];
  return aspects.flatMap(({ name, embedder }) =>
    embedder === undefined || given.has(name) ? [] : [{ name, embedder }],
  );
}

/** Of each document, the chunk by which it stands highest. */
function chunksOf(
  near: ReadonlyMap<string, readonly NearDocument[]>,
): ReadonlyMap<string, { readonly chunk: number; readonly rank: number }> {
  const chunks = new Map<string, { readonly chunk: number; readonly rank: number }>();
  for (const hits of near.values()) {
    hits.forEach(({ id, chunk }, rank) => {
      const before = chunks.get(id);
      if (before === undefined || rank < before.rank) chunks.set(id, { chunk, rank });
    });
  }
  return chunks;
}
