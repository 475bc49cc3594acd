/**
 * Hits with the scores of the vectors as they were put, which lie in Redis: what is in memory is rounded. One more round trip.
 *
 * Guarantees: a score is that of the document as this search has seen it, by the model that it has searched; a document that was
 * changed meanwhile keeps its rounded score.
 */
import { MisuseError } from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import type { GenerationIndex } from '../follow/generation-index.js';
import type { ServerVectors } from '../follow/server-vectors.js';
import { exactScore, type Vector } from '../index/metric.js';
import { MOST } from '../kernel/layout.js';
import { readDocument, readVectors } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { FoundDocument } from './results.js';

/** Scores are rounded so little that what belongs on a page is among twice as many hits. */
export const exactDepth = (wanted: number): number => Math.min(MOST, 2 * wanted);

/** Throws MisuseError where a search has another order than that of one kind of vectors. */
export function checkExact(
  wishes: { readonly exact: boolean; readonly rerank?: unknown; readonly diversify?: unknown },
  rankings: number,
): void {
  if (!wishes.exact || (rankings === 1 && !wishes.rerank && !wishes.diversify)) return;
  throw new MisuseError(
    '"exact" of search is for a search by one kind of vectors alone, in the order of their scores: without words, "rerank" and "diversify", and in an index with named vectors by one name.',
  );
}

export interface ExactFrom {
  readonly truth: Truth;
  readonly index: GenerationIndex | ServerVectors;
  readonly aspects: readonly Aspect[];
  /** Of each hit, as it was found. */
  readonly documents: ReadonlyMap<string, { readonly sequence: number }>;
  /** The only one of the search, by name. */
  readonly meanings: ReadonlyMap<string, Vector>;
  readonly minScore: number | undefined;
}

/** The best first; of equal scores the lower id first. Throws UnavailableError. */
export async function scoredExactly(
  hits: readonly FoundDocument[],
  { truth, index, aspects, documents, meanings, minScore }: ExactFrom,
): Promise<readonly FoundDocument[]> {
  const [[name, meaning] = []] = meanings;
  const { metric } = aspects.find((each) => each.name === name) ?? {};
  if (name === undefined || meaning === undefined || metric === undefined) return hits;
  const place = index.names.indexOf(name);
  const found = await truth.fetch(
    hits.map(({ id }) => id),
    [index.generation],
  );
  const scored = hits.map((hit, at): FoundDocument => {
    const document = found[at]?.document ? readDocument(found[at].document) : undefined;
    if (document === undefined || document.sequence !== documents.get(hit.id)?.sequence) return hit;
    const chunks =
      readVectors(found[at]?.vectors[0] ?? null, document.digest, index.dimensions)?.[place] ?? [];
    const scores = chunks.map((chunk) => exactScore(metric, meaning, chunk));
    if (scores.length === 0) return hit;
    const score = Math.max(...scores);
    const ranking = Object.keys(hit.scores)[0] ?? 'vectors';
    return { ...hit, score, scores: { [ranking]: score }, chunk: scores.indexOf(score) };
  });
  return scored
    .filter(({ score }) => minScore === undefined || score >= minScore)
    .sort((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1))
    .map((hit, at) => ({ ...hit, ranks: { [Object.keys(hit.ranks)[0] ?? 'vectors']: at + 1 } }));
}
