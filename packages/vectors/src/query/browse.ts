/** Documents by their attributes alone: how many match, which they are, and how often each value is among them. */
import { display, MisuseError } from '@holdfast/kernel';
import type { Documents, KnownDocument } from '../follow/documents.js';
import { type Matches, type Schema, tagsOf } from './filter.js';

export interface FacetValue {
  readonly value: string | number;
  /** How many documents have it. */
  readonly count: number;
}

/** By attribute: the most frequent values first, of equal counts the lower one. */
export type Facets = Readonly<Record<string, readonly FacetValue[]>>;

export function* matching(
  documents: Documents,
  matches: Matches | undefined,
): Generator<KnownDocument, void> {
  for (const document of documents.values()) {
    if (matches === undefined || matches(document.attributes)) yield document;
  }
}

/** Those that match and come after an id, in the order of ids. */
export function pageOf(
  documents: Documents,
  matches: Matches | undefined,
  { from, limit }: { readonly from: string | undefined; readonly limit: number },
): { readonly page: readonly KnownDocument[]; readonly next: string | undefined } {
  const all = [...matching(documents, matches)].filter(({ id }) => from === undefined || id > from);
  all.sort((one, other) => (one.id < other.id ? -1 : 1));
  const page = all.slice(0, limit);
  return { page, next: all.length > limit ? page.at(-1)?.id : undefined };
}

export function facetsOf(
  documents: Documents,
  matches: Matches | undefined,
  names: readonly string[],
): Facets {
  const counts = names.map(() => new Map<string | number, number>());
  for (const { attributes } of matching(documents, matches)) {
    for (const [at, name] of names.entries()) {
      for (const value of new Set(tagsOf(attributes, name)) as Set<string | number>) {
        counts[at]?.set(value, (counts[at].get(value) ?? 0) + 1);
      }
    }
  }
  const sorted = (of: ReadonlyMap<string | number, number>): FacetValue[] =>
    [...of]
      .map(([value, count]) => ({ value, count }))
      .sort((one, other) => other.count - one.count || (one.value < other.value ? -1 : 1));
  return Object.fromEntries(names.map((name, at) => [name, sorted(counts[at] ?? new Map())]));
}

/** Throws MisuseError. */
export function requireFacets(names: readonly string[], schema: Schema): void {
  for (const name of names) {
    if (typeof name === 'string' && Object.hasOwn(schema, name)) continue;
    throw new MisuseError(
      `"facets" names ${display(name)}, which the schema does not have. Declare it in "schema" of createIndex().`,
    );
  }
}
