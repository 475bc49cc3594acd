/** Chunks to documents: a document stands where its best chunk stands, and names its chunks, the best first. */

export interface Grouped<T> {
  /** The id of the document. */
  readonly document: string;
  /** The best first. */
  readonly chunks: readonly T[];
}

/** Keeps the order of the hits; `documentOf` tells the document of a chunk by the id of the chunk. */
export function groupByDocument<T extends { readonly id: string }>(
  hits: readonly T[],
  documentOf: (id: string) => string,
): Grouped<T>[] {
  const groups = new Map<string, T[]>();
  for (const hit of hits) {
    const document = documentOf(hit.id);
    const group = groups.get(document);
    if (group) group.push(hit);
    else groups.set(document, [hit]);
  }
  return [...groups].map(([document, chunks]) => ({ document, chunks }));
}
