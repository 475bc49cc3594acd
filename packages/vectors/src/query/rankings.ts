/**
 * From what each half of a search has found to its results: fuse, rerank, diversify, page, and read texts. An index does so with what
 * it has found itself, a sharded index with what all of its shards have found.
 *
 * Guarantees: rankings of several indexes that documents are spread over, merged, are those of one index with all the documents; what
 * comes after is done once, in the same way.
 */
import { type Clock, unlessAborted } from '@holdfast/kernel';
import type { NearDocument } from '../follow/generation-index.js';
import { diversify } from '../hybrid/diversify.js';
import { fuse } from '../hybrid/fuse.js';
import type { Degradation } from '../hybrid/in-time.js';
import { rerank } from '../hybrid/rerank.js';
import type { Hit } from '../index/finding.js';
import type { Text } from '../keywords/keyword-index.js';
import { LEAST_DEPTH, type Wishes } from './question.js';
import type { FoundDocument, FoundSnippet, StoredDocument } from './results.js';
import { CANDIDATES } from './variety.js';

/** A document as it was when it was found. */
export interface RankedDocument extends StoredDocument {
  readonly sequence: number;
}

/** What each half has found, the best first; of equal scores the lower id first. */
export interface Rankings {
  /** By vectors: of each name. */
  readonly near: Readonly<Record<string, readonly NearDocument[]>>;
  /** By words, and by terms. */
  readonly words: Readonly<Record<string, readonly Hit[]>>;
  /** All that they have found. */
  readonly documents: ReadonlyMap<string, RankedDocument>;
}

/** The best `most` of each ranking, of all of them. */
export function mergeRankings(all: readonly Rankings[], most: number): Rankings {
  const merged = <H extends Hit>(part: (each: Rankings) => Readonly<Record<string, readonly H[]>>) => {
    const names = Object.keys(part(all[0] ?? { near: {}, words: {}, documents: new Map() }));
    const hitsOf = (name: string): H[] => all.flatMap((each) => part(each)[name] ?? []);
    return Object.fromEntries(names.map((name) => [name, hitsOf(name).sort(byScore).slice(0, most)]));
  };
  return {
    near: merged(({ near }) => near),
    words: merged(({ words }) => words),
    documents: new Map(all.flatMap(({ documents }) => [...documents])),
  };
}

const byScore = (one: Hit, other: Hit): number => other.score - one.score || (one.id < other.id ? -1 : 1);

/** All that was found, the best first. Throws MisuseError. */
export function fusedOf(
  { near, words, documents }: Rankings,
  { fuse: options }: Wishes,
  isAlone: boolean,
): FoundDocument[] {
  const chunks = chunksOf(near);
  return fuse({ ...near, ...words }, options).flatMap((hit): FoundDocument[] => {
    const known = documents.get(hit.id);
    if (known === undefined) return [];
    const { sequence: _, ...stored } = known;
    const score = isAlone ? (Object.values(hit.scores)[0] ?? hit.score) : hit.score;
    return [{ ...stored, ...hit, score, chunk: chunks.get(hit.id)?.chunk }];
  });
}

/** Of each document, the chunk by which it stands highest. */
function chunksOf(
  near: Rankings['near'],
): ReadonlyMap<string, { readonly chunk: number; readonly rank: number }> {
  const chunks = new Map<string, { readonly chunk: number; readonly rank: number }>();
  for (const hits of Object.values(near)) {
    hits.forEach(({ id, chunk }, rank) => {
      const before = chunks.get(id);
      if (before === undefined || rank < before.rank) chunks.set(id, { chunk, rank });
    });
  }
  return chunks;
}

/** What is read of documents that were found, as they were then; nothing of those that were changed meanwhile. */
export interface Shelf {
  /** By id: the vector by which a document is compared. */
  vectorsOf(hits: readonly FoundDocument[]): Promise<ReadonlyMap<string, ArrayLike<number>>>;
  textsOf(hits: readonly FoundDocument[]): Promise<ReadonlyMap<string, FoundText>>;
}

/** What belongs to a document whose text was asked for. */
export interface FoundText {
  readonly text?: Text | undefined;
  readonly snippet?: FoundSnippet | undefined;
}

/** The page. Throws MisuseError, AbortedError, and what the shelf throws. */
export async function pageOfFound(
  found: readonly FoundDocument[],
  wishes: Wishes,
  { shelf, clock, degraded }: { shelf: Shelf; clock: Clock; degraded: Degradation[] },
): Promise<readonly FoundDocument[]> {
  const { limit, offset, signal } = wishes;
  const ranked = await reranked(found, wishes, { clock, degraded });
  const chosen = await unlessAborted(signal, 'vectors were read', varied(ranked, wishes, shelf));
  const page = chosen.slice(offset, offset + limit);
  return unlessAborted(signal, 'texts were read', withTexts(page, wishes, shelf));
}

async function reranked(
  found: readonly FoundDocument[],
  { rerank: options, text = '', limit, offset, signal }: Wishes,
  { clock, degraded }: { clock: Clock; degraded: Degradation[] },
): Promise<readonly FoundDocument[]> {
  if (options === undefined) return found;
  const best = found.slice(0, Math.max(LEAST_DEPTH, limit + offset));
  const given = { ...options, clock, ...(signal && { signal }) };
  const { hits, degraded: why } = await rerank(text, best, given);
  if (why !== undefined) degraded.push({ part: 'rerank', ...why });
  return hits;
}

/** The best `offset + limit` in their new order. */
async function varied(
  hits: readonly FoundDocument[],
  { diversify: options, limit, offset }: Wishes,
  shelf: Shelf,
): Promise<readonly FoundDocument[]> {
  if (options === undefined || hits.length === 0) return hits;
  const best = hits.slice(0, CANDIDATES);
  const vectors = await shelf.vectorsOf(best);
  const { lambda } = options;
  return diversify(best, {
    vectorOf: (id) => vectors.get(id),
    limit: limit + offset,
    ...(lambda !== undefined && { lambda }),
  });
}

async function withTexts(
  page: readonly FoundDocument[],
  { texts: isTextWanted, snippet }: Wishes,
  shelf: Shelf,
): Promise<readonly FoundDocument[]> {
  if (!isTextWanted && snippet === undefined) return page;
  const texts = await shelf.textsOf(page);
  return page.map((hit) => {
    const of = texts.get(hit.id);
    return { ...hit, ...(isTextWanted && { text: of?.text }), ...(snippet && { snippet: of?.snippet }) };
  });
}
