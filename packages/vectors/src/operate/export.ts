/**
 * All documents of an index with their vectors, as they lie in Redis.
 *
 * Guarantees: a document that is there all the time comes once, whole, in one of its states; one that was deleted meanwhile may be
 * left out. They come in the order of ids.
 */
import type { KnownDocument } from '../follow/documents.js';
import type { Follower } from '../follow/follower.js';
import type { Text } from '../keywords/keyword-index.js';
import type { StoredDocument } from '../query/results.js';
import { readBody, readDocument, readVectors } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';

export interface ExportedDocument extends StoredDocument {
  readonly text: Text | undefined;
  /** Weights by term; undefined if it has none. */
  readonly terms: Readonly<Record<string, number>> | undefined;
  /** One for each chunk, by the names of the vectors; the name is empty if they have none. */
  readonly vectors: Readonly<Record<string, readonly Float32Array[]>>;
  /** When it expires, by the server's clock; undefined for never. */
  readonly expires: Date | undefined;
}

/** Documents that are read at a time. */
const PAGE = 256;

export async function* exported(
  { truth, follower }: { readonly truth: Truth; readonly follower: Follower },
  known: readonly KnownDocument[],
): AsyncGenerator<ExportedDocument, void> {
  const ids = known.map(({ id }) => id).sort();
  for (let from = 0; from < ids.length; from += PAGE) {
    const { serving } = follower;
    if (serving === undefined) return;
    const page = ids.slice(from, from + PAGE);
    for (const [at, found] of (await truth.fetch(page, [serving.generation])).entries()) {
      const document = found.document === null ? undefined : readDocument(found.document);
      const body = document && !document.isDeletion ? readBody(document.body) : undefined;
      const isOver = document && document.expiry > 0 && document.expiry <= follower.time.now();
      if (!document || !body || isOver) continue;
      const vectors = readVectors(found.vectors[0] ?? null, document.digest, serving.dimensions) ?? [];
      yield {
        ...{
          id: page[at] ?? '',
          attributes: body.attributes,
          text: body.text,
          terms: body.terms,
          time: new Date(document.time),
        },
        vectors: Object.fromEntries(serving.names.map((name, place) => [name, vectors[place] ?? []])),
        expires: document.expiry > 0 ? new Date(document.expiry) : undefined,
      };
    }
  }
}
