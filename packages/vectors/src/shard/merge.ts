/**
 * One answer of those of several shards, each of which has other documents.
 *
 * Guarantees: what is told is what one index with all documents would tell, as far as the shards find what is nearest.
 */
import type { FacetValue } from '../attributes/selection.js';
import type { Facets } from '../query/browse.js';
import type { FoundDocument, StoredDocument } from '../query/results.js';

/** The best of all by one ranking: each shard has told its own best, as many as are wanted with those that are left out. */
export function mergeHits(
  all: readonly (readonly FoundDocument[])[],
  { limit, offset }: { readonly limit: number; readonly offset: number },
): FoundDocument[] {
  const byScore = (one: FoundDocument, other: FoundDocument): number =>
    other.score - one.score || (one.id < other.id ? -1 : 1);
  const best = all
    .flat()
    .sort(byScore)
    .slice(0, offset + limit);
  const rankings = (hit: FoundDocument): string[] => Object.keys(hit.ranks);
  return best
    .map((hit, at) => ({ ...hit, ranks: Object.fromEntries(rankings(hit).map((name) => [name, at + 1])) }))
    .slice(offset);
}

export function mergeFacets(all: readonly Facets[], names: readonly string[]): Facets {
  return Object.fromEntries(
    names.map((name) => [name, mergeValues(all.map((facets) => facets[name] ?? []))]),
  );
}

function mergeValues(all: readonly (readonly FacetValue[])[]): FacetValue[] {
  const counts = new Map<string | number, number>();
  for (const { value, count } of all.flat()) counts.set(value, (counts.get(value) ?? 0) + count);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((one, other) => other.count - one.count || (one.value < other.value ? -1 : 1));
}

/** The first of all in the order of ids: each shard has told its own first. */
export function mergePages(
  all: readonly { readonly documents: readonly StoredDocument[]; readonly next: string | undefined }[],
  limit: number,
): { documents: StoredDocument[]; next: string | undefined } {
  const found = all.flatMap(({ documents }) => documents).sort((one, other) => (one.id < other.id ? -1 : 1));
  const documents = found.slice(0, limit);
  const isMore = found.length > limit || all.some(({ next }) => next !== undefined);
  return { documents, next: isMore ? documents.at(-1)?.id : undefined };
}
