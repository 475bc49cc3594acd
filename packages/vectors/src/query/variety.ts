/**
 * Pages of documents in Redis that do not all say the same: by the vectors of the best hits, which are read in one more round trip.
 *
 * Guarantees: a vector is that of the document as this search has seen it, and of the model that it has searched; a document that
 * was changed meanwhile counts as near to none. Pages follow each other: the one with an `offset` goes on where the one before
 * ended, as long as nothing changes.
 */
import {
  display,
  fitting,
  group,
  MisuseError,
  optional,
  type Reader,
  type Readers,
  text,
  withDefault,
} from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import type { GenerationIndex } from '../follow/generation-index.js';
import type { ServerVectors } from '../follow/server-vectors.js';
import { diversify } from '../hybrid/diversify.js';
import { readDocument, readVectors } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { FoundDocument } from './results.js';

export interface VarietyOptions {
  /** 1 for the order of before, 0 for the greatest variety. Default 0.7. */
  readonly lambda?: number;
  /** In an index with named vectors: those that are compared. Default the first ones. */
  readonly by?: string;
}

export const readVariety: Reader<VarietyOptions | undefined> = optional(
  group({
    lambda: withDefault(
      fitting<number>(
        'a number from 0 to 1',
        (value) => typeof value === 'number' && value >= 0 && value <= 1,
      ),
      0.7,
    ),
    by: optional(text('the name of vectors')),
  } satisfies Readers<VarietyOptions>) as Reader<VarietyOptions>,
);

/** Most hits that are chosen: each is compared with all candidates, on the event loop. */
export const MOST_CHOSEN = 50;

/** The best hits, among which is chosen: as many for every page, so that pages follow each other. */
const CANDIDATES = 2 * MOST_CHOSEN;

interface Page {
  readonly diversify: VarietyOptions | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Throws MisuseError. */
export function checkVariety({ diversify: options, limit, offset }: Page, aspects: readonly Aspect[]): void {
  if (options === undefined) return;
  if (limit + offset > MOST_CHOSEN) {
    throw new MisuseError(
      `"limit" and "offset" of a search with "diversify" are ${MOST_CHOSEN} together at most; got ${limit} and ${offset}.`,
    );
  }
  const { by } = options;
  if (by === undefined || aspects.some(({ name }) => name === by)) return;
  const names = aspects.map(({ name }) => name).join(', ');
  const known = names ? `it has vectors of ${names}` : 'its vectors have no names: leave it out';
  throw new MisuseError(`"by" of "diversify" is ${display(by)}, which the index has not; ${known}.`);
}

/** The best `offset + limit` in their new order. Throws UnavailableError. */
export async function varied(
  { diversify: options, limit, offset }: Page,
  hits: readonly FoundDocument[],
  from: {
    readonly truth: Truth;
    readonly index: GenerationIndex | ServerVectors;
    readonly sequences: ReadonlyMap<string, number>;
  },
): Promise<readonly FoundDocument[]> {
  if (options === undefined || hits.length === 0) return hits;
  const { truth, index, sequences } = from;
  const wanted = limit + offset;
  const best = hits.slice(0, CANDIDATES);
  const place = options.by === undefined ? 0 : index.names.indexOf(options.by);
  const ids = best.map(({ id }) => id);
  const vectors = new Map<string, Float32Array>();
  for (const [at, found] of (await truth.fetch(ids, [index.generation])).entries()) {
    const { id, chunk = 0 } = best[at]!;
    const document = found.document === null ? undefined : readDocument(found.document);
    if (document === undefined || document.sequence !== sequences.get(id)) continue;
    const chunks = readVectors(found.vectors[0] ?? null, document.digest, index.dimensions)?.[place];
    const vector = chunks?.[chunk] ?? chunks?.[0];
    if (vector) vectors.set(id, vector);
  }
  const { lambda } = options;
  return diversify(best, {
    vectorOf: (id) => vectors.get(id),
    limit: wanted,
    ...(lambda !== undefined && { lambda }),
  });
}
