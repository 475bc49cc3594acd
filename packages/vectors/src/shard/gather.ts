/**
 * A search of all shards: first how rare its words are in all of them, if it has any; then what each half of each finds by that; then,
 * once that is one ranking, the vectors and the texts of the best, from the shards that have them.
 *
 * Guarantees: hits, ranks and scores are those of one index with the documents of all shards that answer; which those are is told. The
 * text of a search is embedded once. A shard that is written to between two questions answers the second one as it is then, by how rare
 * words were at the first.
 */
import type { Clock } from '@holdfast/kernel';
import { partitionOf } from '@holdfast/redis';
import type { Degradation } from '../hybrid/in-time.js';
import type { KeywordIndex } from '../keywords/keyword-index.js';
import { planOf, type WordsPlan } from '../keywords/plan.js';
import { type TermWeights, weightsOf } from '../keywords/sparse-index.js';
import { type Askable, depthOf, givenIn, type Question, questionOf, type Wishes } from '../query/question.js';
import { type FoundText, fusedOf, mergeRankings, pageOfFound, type Rankings } from '../query/rankings.js';
import type { FoundDocument, Results } from '../query/results.js';
import type { Shelved } from '../query/shelf.js';
import { mergeFacets, mergeHits } from './merge.js';
import { type Ranked, vectorOf } from './part.js';
import { placeOf } from './places.js';
import type { Shards } from './shards.js';

/** Of all shards, or of some and which those are not. */
export interface Gathered extends Results {
  readonly partial: readonly number[];
}

export interface GatherParts {
  readonly shards: Shards;
  /** What each shard has. */
  readonly of: Askable & { readonly keywords: KeywordIndex | undefined };
  readonly clock: Clock;
}

interface Seen {
  /** What each shard is to have seen. */
  readonly places: readonly (string | undefined)[];
  readonly partialAfter: number | undefined;
}

type GatherWishes = Wishes & Seen;

/** The best of all shards. Throws MisuseError, AbortedError and UnavailableError. */
export async function gather(wishes: GatherWishes, parts: GatherParts): Promise<Gathered> {
  const { of, clock } = parts;
  const question = await questionOf(wishes, givenIn(wishes, of.aspects), { ...of, clock });
  const isByWords = wishes.text !== undefined && of.keywords !== undefined;
  const isOrdered = wishes.rerank !== undefined || wishes.diversify !== undefined;
  const isAsked = question.meanings.size > 0 || wishes.terms !== undefined;
  if (question.isAlone && isAsked && !isByWords && !isOrdered) return nearest(wishes, question, parts);
  return new Gathering(wishes, question, parts).results();
}

/** By one kind of vectors or by terms alone, whose scores are the same in each shard. */
async function nearest(
  { places, partialAfter, ...wishes }: GatherWishes,
  { meanings, missing }: Question,
  { shards, of }: GatherParts,
): Promise<Gathered> {
  const { limit, offset, facets, filter, minScore, exact, texts, wait, terms, signal } = wishes;
  const [[name, vector] = []] = meanings;
  const asked = {
    ...(vector && (name === '' ? { vector } : { vectors: { [String(name)]: vector } })),
    ...(terms && of.terms !== undefined && { terms: plainTerms(terms) }),
    ...{ filter, minScore, exact, facets, wait, limit: limit + offset },
    ...(texts && { texts }),
  };
  const found = await shards.all(
    (shard, ended) =>
      shards.ask({ shard, verb: 'search', args: [{ ...asked, after: places[shard] }] }, ended),
    { partialAfter, signal },
  );
  const answers = [...found.values()];
  return {
    hits: mergeHits(
      answers.map(({ hits }) => hits),
      { limit, offset },
    ),
    facets: mergeFacets(
      answers.map((answer) => answer.facets),
      facets,
    ),
    place: placeOf(shards.count, new Map([...found].map(([shard, { place }]) => [shard, place]))),
    degraded: missing,
    partial: shards.without(found),
  };
}

class Gathering {
  readonly #wishes: GatherWishes;
  readonly #question: Question;
  readonly #parts: GatherParts;
  /** Shards whose texts and vectors are missing. */
  readonly #late = new Set<number>();
  #found: ReadonlyMap<number, Ranked> = new Map();
  #sequences: Rankings['documents'] = new Map();
  #plan: WordsPlan | undefined;

  constructor(wishes: GatherWishes, question: Question, parts: GatherParts) {
    this.#wishes = wishes;
    this.#question = question;
    this.#parts = parts;
  }

  async results(): Promise<Gathered> {
    const { shards, clock } = this.#parts;
    const { facets } = this.#wishes;
    const { isAlone, missing } = this.#question;
    const most = depthOf(this.#wishes, this.#question);
    this.#found = await this.#ranked(await this.#planned(), most);
    const answers = [...this.#found.values()];
    const rankings = mergeRankings(answers.map(rankingsOf), most);
    this.#sequences = rankings.documents;
    const degraded: Degradation[] = [...missing];
    const shelf = {
      vectorsOf: (hits: readonly FoundDocument[]) => this.#vectorsOf(hits),
      textsOf: (hits: readonly FoundDocument[]) => this.#textsOf(hits),
    };
    const found = fusedOf(rankings, this.#wishes, isAlone);
    return {
      hits: await pageOfFound(found, this.#wishes, { shelf, clock, degraded }),
      facets: mergeFacets(
        answers.map((answer) => answer.facets),
        facets,
      ),
      place: placeOf(shards.count, new Map([...this.#found].map(([shard, { place }]) => [shard, place]))),
      degraded,
      partial: shards.without(this.#found, this.#late),
    };
  }

  /** The shards that have told how rare the words are; all, if there are none. */
  async #planned(): Promise<readonly number[]> {
    const { shards, of } = this.#parts;
    const { text, places, wait } = this.#wishes;
    if (text === undefined || of.keywords === undefined) return shards.numbers;
    const words = of.keywords.wordsOf(text, this.#wishes);
    const counts = await shards.all((shard, ended) => {
      const asked = { words, shards: shards.count, wait, after: places[shard] };
      return shards.ask({ shard, verb: 'counts', args: [asked] }, ended);
    }, this.#wishes);
    this.#plan = planOf(words, [...counts.values()]);
    return [...counts.keys()];
  }

  async #ranked(among: readonly number[], most: number): Promise<ReadonlyMap<number, Ranked>> {
    const { shards } = this.#parts;
    const { places, wait, terms, filter, facets, minScore } = this.#wishes;
    const asked = {
      ...{ wait, filter, facets, minScore, most, plan: this.#plan },
      meanings: [...this.#question.meanings],
      terms: terms && plainTerms(terms),
    };
    return shards.all(
      (shard, ended) =>
        shards.ask({ shard, verb: 'rank', args: [{ ...asked, after: places[shard] }] }, ended),
      { ...this.#wishes, among },
    );
  }

  async #vectorsOf(hits: readonly FoundDocument[]): Promise<ReadonlyMap<string, Float32Array>> {
    const by = this.#wishes.diversify?.by;
    const found = await this.#read(hits, 'vectors', (shard, own) => ({
      ...{ hits: own, by, generation: this.#found.get(shard)?.generation ?? '' },
    }));
    return new Map(found.map(([id, numbers]) => [id, vectorOf(numbers)]));
  }

  async #textsOf(hits: readonly FoundDocument[]): Promise<ReadonlyMap<string, FoundText>> {
    const { snippet } = this.#wishes;
    const plan = snippet && this.#plan;
    return new Map(await this.#read(hits, 'texts', (_, own) => ({ hits: own, snippet, plan })));
  }

  /** From the shards that have what was found. With `partialAfter`, nothing of those that do not answer. */
  async #read<V extends 'vectors' | 'texts'>(
    hits: readonly FoundDocument[],
    verb: V,
    asked: (shard: number, own: readonly Shelved[]) => object,
  ) {
    const { shards } = this.#parts;
    const own = new Map<number, Shelved[]>();
    for (const { id, chunk } of hits) {
      const shard = partitionOf(id, shards.count);
      const shelved = { id, chunk, sequence: this.#sequences.get(id)?.sequence ?? 0 };
      own.set(shard, [...(own.get(shard) ?? []), shelved]);
    }
    const among = [...own.keys()];
    const found = await shards.all(
      (shard, ended) => shards.ask({ shard, verb, args: [asked(shard, own.get(shard) ?? [])] }, ended),
      { ...this.#wishes, among, mayBeNone: true },
    );
    for (const shard of among) if (!found.has(shard)) this.#late.add(shard);
    return [...found.values()].flat();
  }
}

const rankingsOf = ({ near, words, found }: Ranked): Rankings => ({
  ...{ near, words },
  documents: new Map(found.map((each) => [each.id, { ...each, time: new Date(each.time) }])),
});

/** As they can be sent as text. */
const plainTerms = (terms: TermWeights): Readonly<Record<string, number>> =>
  Object.fromEntries(weightsOf(terms));
