/** Documents by their attributes alone: how many match, which they are, and how often each value is among them. */
import { display, MisuseError } from '@holdfast/kernel';
import type { Schema } from '../attributes/columns.js';
import type { FacetValue, Selection } from '../attributes/selection.js';
import type { Documents, KnownDocument } from '../follow/documents.js';
import { inOrder } from '../follow/sorted-ids.js';

/** By attribute: the most frequent values first, of equal counts the lower one. */
export type Facets = Readonly<Record<string, readonly FacetValue[]>>;

/** Of those that are selected, those that come after an id, in the order of ids. */
export function pageOf(
  documents: Documents,
  selection: Selection,
  { from, limit }: { readonly from: string | undefined; readonly limit: number },
): { readonly page: readonly KnownDocument[]; readonly next: string | undefined } {
  // Of few documents it is less to sort them than to walk to them along all ids.
  const isSparse = selection.count ** 2 < limit * documents.size;
  const page: KnownDocument[] = [];
  for (const known of isSparse ? sorted(documents, selection, from) : walked(documents, selection, from)) {
    if (page.length === limit) return { page, next: page.at(-1)?.id };
    page.push(known);
  }
  return { page, next: undefined };
}

const sorted = (documents: Documents, selection: Selection, from: string | undefined): KnownDocument[] =>
  documents
    .of(selection)
    .filter(({ id }) => from === undefined || id > from)
    .sort((one, other) => inOrder(one.id, other.id));

function* walked(
  documents: Documents,
  selection: Selection,
  from: string | undefined,
): Generator<KnownDocument, void> {
  for (const id of documents.after(from)) {
    const known = documents.get(id);
    if (known && selection.has(known.number)) yield known;
  }
}

export function facetsOf(documents: Documents, selection: Selection, names: readonly string[]): Facets {
  const countsOf = (name: string): readonly FacetValue[] => {
    const counted = selection.facets.get(name);
    if (counted) return counted;
    const counts: Iterable<[string | number, number]> = documents.columns.of(name).counts(selection.bits);
    const values = [...counts]
      .map(([value, count]) => ({ value, count }))
      .sort((one, other) => other.count - one.count || (one.value < other.value ? -1 : 1));
    selection.facets.set(name, values);
    return values;
  };
  return Object.fromEntries(names.map((name) => [name, countsOf(name)]));
}

/** Throws MisuseError. */
export function requireFacets(names: readonly string[], schema: Schema): void {
  for (const name of names) {
    const isDeclared = typeof name === 'string' && Object.hasOwn(schema, name);
    if (isDeclared && schema[name] !== 'geo') continue;
    if (isDeclared) {
      throw new MisuseError(
        `"facets" names ${display(name)}, which is a position: there is nothing to count. Give each document a tag of its region.`,
      );
    }
    throw new MisuseError(
      `"facets" names ${display(name)}, which the schema does not have. Declare it in "schema" of createIndex().`,
    );
  }
}
