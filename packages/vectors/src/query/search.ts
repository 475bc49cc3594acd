/**
 * Searches of the documents that a follower knows: by vectors, by words, or by both. The order of what is done: embed, filter,
 * retrieve, fuse, rerank, diversify, page, and read texts.
 *
 * Guarantees: what is retrieved is as the documents are at one moment: all halves, facets and attributes are of the same. A vector
 * is compared with those of its own model only. What is late or fails is left out, and `degraded` says so.
 */
import { type Clock, display, MisuseError, throwIfAborted, unlessAborted } from '@holdfast/kernel';
import { type Aspect, rankingOf } from '../aspect.js';
import type { Schema } from '../attributes/columns.js';
import type { Selection } from '../attributes/selection.js';
import type { Follower } from '../follow/follower.js';
import { GenerationIndex, type NearDocument } from '../follow/generation-index.js';
import type { ServerVectors } from '../follow/server-vectors.js';
import type { Degradation } from '../hybrid/in-time.js';
import type { KeywordIndex } from '../keywords/keyword-index.js';
import type { WordsPlan } from '../keywords/plan.js';
import type { SparseIndex, TermWeights } from '../keywords/sparse-index.js';
import type { Truth } from '../truth/truth.js';
import { KEYWORDS_RANKING, TERMS_RANKING } from '../vector-index-options.js';
import { type Facets, facetsOf, requireFacets } from './browse.js';
import { scoredExactly } from './exact.js';
import { conditionOf, type Filter } from './filter.js';
import {
  checkWishes,
  depthOf,
  givenIn,
  type Meanings,
  questionOf,
  type Wishes,
  wordsIn,
} from './question.js';
import { type FoundText, fusedOf, pageOfFound, type RankedDocument, type Rankings } from './rankings.js';
import { type FoundDocument, type Results, told } from './results.js';
import { ServerSearch } from './server-search.js';
import { type Shelved, type TextWishes, textsOf, vectorsOf } from './shelf.js';
import type { Texts } from './texts.js';

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

/** What is retrieved. */
export interface Sought {
  readonly meanings: Meanings;
  /** Undefined if no words are looked for. */
  readonly plan: (() => WordsPlan) | undefined;
  readonly terms: TermWeights | undefined;
  readonly filter: Filter | undefined;
  readonly facets: readonly string[];
  /** Of each half. */
  readonly most: number;
  /** Of what vectors find. */
  readonly minScore: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What was found, all as it was at one moment. */
export interface Retrieved {
  readonly index: GenerationIndex | ServerVectors;
  readonly plan: WordsPlan | undefined;
  readonly rankings: Rankings;
  readonly facets: Facets;
  readonly place: string;
}

export class Search {
  readonly #parts: SearchParts;

  constructor(parts: SearchParts) {
    this.#parts = parts;
  }

  get keywords(): KeywordIndex | undefined {
    return this.#parts.keywords;
  }

  /** Throws MisuseError for wishes that do not fit the index. */
  check(wishes: Wishes): void {
    checkWishes(wishes, this.#parts);
  }

  /** When all that was to be seen is applied. Throws MisuseError, AbortedError and UnavailableError. */
  async results(wishes: Wishes): Promise<Results> {
    const { signal } = wishes;
    const { truth, clock } = this.#parts;
    const { question, retrieved } = await this.#retrieve(wishes);
    const { index, plan, rankings, facets, place } = retrieved;
    const degraded: Degradation[] = [...question.missing];
    const found = fusedOf(rankings, wishes, question.isAlone);
    const { documents } = rankings;
    const from = { ...{ index, truth, documents }, ...question, minScore: wishes.minScore };
    const scored = wishes.exact ? scoredExactly(found, from) : found;
    const exact = await unlessAborted(signal, 'vectors were read', Promise.resolve(scored));
    const shelved = (hits: readonly FoundDocument[]): Shelved[] =>
      hits.map(({ id, chunk }) => ({ id, chunk, sequence: documents.get(id)?.sequence ?? 0 }));
    const shelf = {
      vectorsOf: (hits: readonly FoundDocument[]) =>
        vectorsOf(shelved(hits), { truth, index, by: wishes.diversify?.by }),
      textsOf: (hits: readonly FoundDocument[]) =>
        this.textsOf(shelved(hits), { snippet: wishes.snippet, plan }),
    };
    const hits = await pageOfFound(exact, wishes, { shelf, clock, degraded });
    throwIfAborted(signal, 'searching');
    return { hits, facets, place, degraded };
  }

  /** Of documents that were found, as they were then. Throws UnavailableError. */
  async textsOf(hits: readonly Shelved[], wishes: TextWishes): Promise<ReadonlyMap<string, FoundText>> {
    return textsOf(hits, this.#parts.texts, wishes);
  }

  /** The same, of a generation; none if that is not the one that is searched any more. Throws UnavailableError. */
  async vectorsOf(
    hits: readonly Shelved[],
    { generation, by }: { readonly generation: string; readonly by: string | undefined },
  ): Promise<ReadonlyMap<string, Float32Array>> {
    const { truth, serving } = this.#parts;
    const { index } = serving();
    return index.generation === generation ? vectorsOf(hits, { truth, index, by }) : new Map();
  }

  /** All that is found, by vectors of this program's own model. Throws MisuseError, AbortedError and UnavailableError. */
  async rankings(sought: Sought): Promise<Retrieved> {
    this.#requireFit(sought);
    for (;;) {
      const { index, requireOwn } = this.#parts.serving();
      if (sought.meanings.size > 0) requireOwn();
      const retrieved = await this.#retrievedFrom(index, sought);
      if (retrieved) return retrieved;
    }
  }

  #requireFit({ meanings, facets, terms }: Sought): void {
    const { schema, aspects, terms: weights } = this.#parts;
    requireFacets(facets, schema);
    const other = [...meanings.keys()].find((name) => aspects.every((each) => each.name !== name));
    if (other === undefined && (terms === undefined || weights !== undefined)) return;
    const what = other === undefined ? '"terms"' : `vectors of the name ${display(other)}`;
    throw new MisuseError(`A search asks for ${what}, which this index does not have; create it with them.`);
  }

  /** All that is found, as it is at one moment: asked again if a new model went live meanwhile. */
  async #retrieve(wishes: Wishes) {
    const { serving, keywords, clock } = this.#parts;
    const { text, terms, filter, facets, signal } = wishes;
    for (;;) {
      const { index, aspects, requireOwn } = serving();
      const words = wordsIn(this.#parts, wishes);
      const given = givenIn(wishes, this.#parts.aspects);
      if (given.size > 0 || (aspects === undefined && words === 0)) requireOwn();
      const of = { ...this.#parts, aspects: aspects ?? [], clock };
      const question = { aspects: of.aspects, ...(await questionOf(wishes, given, of)) };
      const sought = {
        ...{ meanings: question.meanings, terms, filter, facets, signal },
        plan: text === undefined || !keywords ? undefined : () => keywords.planOf(text, wishes),
        most: depthOf(wishes, question),
        minScore: leastOf(wishes),
      };
      const retrieved = await this.#retrievedFrom(index, sought);
      if (retrieved) return { question, retrieved };
    }
  }

  /** Undefined if another one is searched now. */
  async #retrievedFrom(index: Retrieved['index'], sought: Sought): Promise<Retrieved | undefined> {
    const searches = this.#onServer(index, sought);
    try {
      while (this.#parts.serving().index === index) {
        const retrieved = this.#retrieved(index, sought, searches);
        if (retrieved) return retrieved;
        const asking = [...searches.values()].map((each) => each.ask());
        await unlessAborted(sought.signal, 'searching', Promise.all(asking));
      }
      return undefined;
    } finally {
      for (const each of searches.values()) each.close();
    }
  }

  /** By name, if the server is the one that searches. */
  #onServer(
    index: Retrieved['index'],
    { filter, meanings, most, minScore }: Sought,
  ): ReadonlyMap<string, ServerSearch> {
    if (index instanceof GenerationIndex) return new Map();
    const condition = filter && conditionOf(filter, this.#parts.schema);
    return new Map(
      [...meanings].map(([name, vector]) => [
        name,
        new ServerSearch(this.#parts, index, { condition, most, minScore, name, vector }),
      ]),
    );
  }

  /** Undefined if the server is to be asked first, or again. Nothing is awaited, so that all is of the same moment. */
  #retrieved(
    index: Retrieved['index'],
    sought: Sought,
    searches: ReadonlyMap<string, ServerSearch>,
  ): Retrieved | undefined {
    const { filter, facets } = sought;
    const { follower, schema } = this.#parts;
    follower.expire();
    const { documents, place } = follower;
    const selected = filter && documents.select(conditionOf(filter, schema));
    const onServer = new Map<string, readonly NearDocument[]>();
    for (const [name, search] of searches) {
      const hits = search.found(selected);
      if (hits === undefined) return undefined;
      onServer.set(name, hits);
    }
    const near = this.#near({ index, onServer }, sought, selected);
    const plan = sought.plan?.();
    const words = this.#words({ plan, terms: sought.terms, most: sought.most }, selected);
    const found = new Map<string, RankedDocument>();
    for (const { id } of [...Object.values(near), ...Object.values(words)].flat()) {
      const known = documents.get(id);
      if (known && !found.has(id)) found.set(id, { ...told(known), sequence: known.sequence });
    }
    const counted =
      facets.length > 0 ? facetsOf(documents, selected ?? documents.select(undefined), facets) : {};
    return { index, plan, rankings: { near, words, documents: found }, facets: counted, place };
  }

  #near(
    {
      index,
      onServer,
    }: { index: Retrieved['index']; onServer: ReadonlyMap<string, readonly NearDocument[]> },
    { meanings, most, minScore }: Sought,
    selected: Selection | undefined,
  ): Rankings['near'] {
    const { documents } = this.#parts.follower;
    const all = (): Selection => documents.select(undefined);
    return Object.fromEntries(
      this.#parts.aspects.map((aspect) => {
        const { name } = aspect;
        const meaning = meanings.get(name);
        const isHere = meaning !== undefined && index instanceof GenerationIndex;
        const here = isHere ? index.nearest(meaning, { name, most, minScore, selected, all }) : [];
        return [rankingOf(aspect), [...here, ...(onServer.get(name) ?? [])]];
      }),
    );
  }

  #words(
    { plan, terms, most }: Pick<Sought, 'terms' | 'most'> & { readonly plan: WordsPlan | undefined },
    selected: Selection | undefined,
  ): Rankings['words'] {
    const { keywords, terms: weights, follower } = this.#parts;
    const { documents } = follower;
    const filter =
      selected &&
      ((id: string): boolean => {
        const known = documents.get(id);
        return known !== undefined && selected.has(known.number);
      });
    const how = { limit: most, ...(filter && { filter }) };
    return {
      ...(keywords && {
        [KEYWORDS_RANKING]:
          plan === undefined ? [] : keywords.find(plan, { k: most, minScore: undefined, filter }),
      }),
      ...(weights && { [TERMS_RANKING]: terms === undefined ? [] : weights.search(terms, how) }),
    };
  }
}

/** Below which score nothing is retrieved: rounded ones may be below and exact ones not. */
const leastOf = ({ exact, minScore }: Wishes): number | undefined => (exact ? undefined : minScore);
