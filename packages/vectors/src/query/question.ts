/**
 * What a search asks for: whether it fits an index, the vectors that are looked for, and how deep.
 *
 * Guarantees: wishes that do not fit are a MisuseError before anything is done; a text is embedded once, for an index and for all shards
 * of one. A model that is late or fails is left out, and told.
 */
import { type Clock, display, MisuseError, type Settings } from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import type { Schema } from '../attributes/columns.js';
import { type Degradation, embedInTime } from '../hybrid/in-time.js';
import type { Vector } from '../index/metric.js';
import { MOST } from '../kernel/layout.js';
import type { FIND } from '../vector-index-options.js';
import { requireFacets } from './browse.js';
import { checkExact, exactDepth } from './exact.js';
import { conditionOf } from './filter.js';
import { checkVariety, MOST_CHOSEN } from './variety.js';

export type Wishes = Settings<typeof FIND>;

/** By name of the aspect. */
export type Meanings = ReadonlyMap<string, Vector>;

/** What an index has that may be asked for. */
export interface Askable {
  readonly schema: Schema;
  readonly aspects: readonly Aspect[];
  /** Undefined if it has none. */
  readonly keywords: unknown;
  readonly terms: unknown;
}

/** Throws MisuseError for wishes that do not fit the index. */
export function checkWishes(wishes: Wishes, of: Askable): void {
  const { limit, offset, facets, filter, text, terms, snippet } = wishes;
  if (limit + offset > MOST) {
    throw new MisuseError(
      `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}.`,
    );
  }
  if (filter) conditionOf(filter, of.schema);
  requireFacets(facets, of.schema);
  checkVariety(wishes, of.aspects);
  const given = givenIn(wishes, of.aspects);
  const embedded = embeddingOf(of.aspects, wishes, given).length;
  for (const name of ['prefix', 'typos'] as const)
    if (wishes[name] && of.keywords === undefined)
      throw new MisuseError(`"${name}" of search needs "keywords" of createIndex().`);
  if (terms !== undefined && of.terms === undefined)
    throw new MisuseError('"terms" of search needs "terms" of createIndex().');
  const words = wordsIn(of, wishes);
  checkExact(wishes, words > 0 ? 0 : given.size + embedded);
  if (given.size + embedded + words === 0) {
    const what =
      text === undefined ? 'none' : 'a text, and createIndex() has neither "keywords" nor an "embedder"';
    throw new MisuseError(`A search has a "vector", a "text", "terms", or several of them; got ${what}.`);
  }
  if (snippet && (text === undefined || of.keywords === undefined)) {
    throw new MisuseError('"snippet" of search needs a "text", and "keywords" of createIndex().');
  }
}

/** The vectors that the caller gives, by name. Throws MisuseError. */
export function givenIn({ vector, vectors = {} }: Wishes, aspects: readonly Aspect[]): Meanings {
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

/** How many rankings by words and by terms a search has. */
export const wordsIn = (
  { keywords, terms: weights }: Pick<Askable, 'keywords' | 'terms'>,
  { text, terms }: Wishes,
): number => (text !== undefined && keywords ? 1 : 0) + (terms !== undefined && weights ? 1 : 0);

export interface Question {
  readonly meanings: Meanings;
  /** Whether there is one half only, whose scores are told as they are. */
  readonly isAlone: boolean;
  /** What is late or has failed. */
  readonly missing: readonly Degradation[];
}

/** With the vectors that are given, and those of the text by the aspects that have none. Throws AbortedError. */
export async function questionOf(
  wishes: Wishes,
  given: Meanings,
  of: Askable & { readonly clock: Clock },
): Promise<Question> {
  const { text, deadline, signal } = wishes;
  const missing: Degradation[] = [];
  const how = { clock: of.clock, deadline, signal, degraded: missing };
  const embedding = embeddingOf(of.aspects, wishes, given);
  const embedded = await Promise.all(
    embedding.map(async ({ name, embedder }) => {
      const vector = await embedInTime(embedder, text ?? '', how);
      return vector === undefined ? [] : [[name, vector] as const];
    }),
  );
  const halves = given.size + embedding.length + wordsIn(of, wishes);
  return {
    meanings: new Map([...given, ...embedded.flat()]),
    isAlone: halves === 1,
    missing: missing.slice(0, 1),
  };
}

/** The aspects for which the text is embedded. */
function embeddingOf(aspects: readonly Aspect[], { text }: Wishes, given: Meanings) {
  if (text === undefined) return [];
  return aspects.flatMap(({ name, embedder }) =>
    embedder === undefined || given.has(name) ? [] : [{ name, embedder }],
  );
}

/** Of each half, so many are fused at least, and put in order by a model. */
export const LEAST_DEPTH = 50;

/** How many documents each half looks for. */
export function depthOf(
  { limit, offset, exact, rerank: by, diversify }: Wishes,
  { isAlone }: Pick<Question, 'isAlone'>,
): number {
  if (exact) return exactDepth(limit + offset);
  const wanted = diversify ? MOST_CHOSEN : limit + offset;
  const isPlain = isAlone && !by && !diversify;
  return Math.min(MOST, isPlain ? wanted : Math.max(LEAST_DEPTH, 4 * wanted));
}
