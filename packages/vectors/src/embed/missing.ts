/** Which documents lack the vectors of a generation. */
import { hasSource, readBody, readDocument, readVectors } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { Source } from './contents.js';

export interface Missing extends Source {
  readonly state: 'missing';
  /** What the vectors are to be made of. */
  readonly digest: Buffer;
}

/** A document is not there, has nothing to make vectors of, or has its vectors. */
export type Settled = { readonly state: 'gone' } | { readonly state: 'there'; readonly digest: Buffer };

export interface Lacking {
  readonly generation: string;
  /** Of the vectors of each name. */
  readonly dimensions: readonly number[];
  /** The server's time, in ms: what has expired is gone. */
  readonly now: number;
}

/** Of each document whether it lacks vectors. */
export async function lookAt(
  truth: Truth,
  ids: readonly string[],
  { generation, dimensions, now }: Lacking,
): Promise<readonly (Missing | Settled)[]> {
  const found = await truth.fetch(ids, [generation]);
  return found.map(({ document: bytes, vectors: [vectors = null] }, at): Missing | Settled => {
    const document = bytes === null ? undefined : readDocument(bytes);
    const isThere = document && !document.isDeletion && (document.expiry === 0 || document.expiry > now);
    const body = isThere && readBody(document.body);
    if (!isThere || !body) return { state: 'gone' };
    const { digest } = document;
    if (!hasSource(document) || readVectors(vectors, digest, dimensions)) return { state: 'there', digest };
    return { state: 'missing', id: ids[at]!, digest, ...body };
  });
}

export async function missingOf(
  truth: Truth,
  ids: readonly string[],
  lacking: Lacking,
): Promise<readonly Missing[]> {
  const all = await lookAt(truth, ids, lacking);
  return all.filter((each): each is Missing => each.state === 'missing');
}
