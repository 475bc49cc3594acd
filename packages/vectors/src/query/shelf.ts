/**
 * What is read in Redis of documents that a search of an index has found: vectors to compare them by, texts, and snippets of those. One
 * more round trip each.
 *
 * Guarantees: all is of the document as the search has seen it, vectors are of the model that it has searched; of a document that was
 * changed meanwhile there is nothing.
 */
import type { GenerationIndex } from '../follow/generation-index.js';
import type { ServerVectors } from '../follow/server-vectors.js';
import type { WordsPlan } from '../keywords/plan.js';
import type { SnippetOptions } from '../keywords/snippet.js';
import { readDocument, readVectors } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { FoundText } from './rankings.js';
import type { Texts } from './texts.js';

/** A document that was found. */
export interface Shelved {
  readonly id: string;
  /** As it was then. */
  readonly sequence: number;
  /** The nearest of its vectors; undefined if they have not found it. */
  readonly chunk?: number | undefined;
}

/** By id: of each document the vector that was the nearest, else its first, of those of a name, by default the first. */
export async function vectorsOf(
  hits: readonly Shelved[],
  { truth, index, by }: { truth: Truth; index: GenerationIndex | ServerVectors; by: string | undefined },
): Promise<ReadonlyMap<string, Float32Array>> {
  const place = by === undefined ? 0 : index.names.indexOf(by);
  const ids = hits.map(({ id }) => id);
  const vectors = new Map<string, Float32Array>();
  for (const [at, found] of (await truth.fetch(ids, [index.generation])).entries()) {
    const { id, chunk = 0, sequence } = hits[at]!;
    const document = found.document === null ? undefined : readDocument(found.document);
    if (document === undefined || document.sequence !== sequence) continue;
    const chunks = readVectors(found.vectors[0] ?? null, document.digest, index.dimensions)?.[place];
    const vector = chunks?.[chunk] ?? chunks?.[0];
    if (vector) vectors.set(id, vector);
  }
  return vectors;
}

export interface TextWishes {
  readonly snippet: SnippetOptions | undefined;
  /** Of the query; undefined if no snippets are wanted. */
  readonly plan: WordsPlan | undefined;
}

/** By id. */
export async function textsOf(
  hits: readonly Shelved[],
  texts: Texts,
  { snippet, plan }: TextWishes,
): Promise<ReadonlyMap<string, FoundText>> {
  const found = await texts.of(hits);
  return new Map(
    hits.map(({ id }, at) => {
      const text = found[at];
      const isMarked = snippet !== undefined && plan !== undefined && text !== undefined;
      return [id, { text, snippet: isMarked ? texts.snippet(text, plan, snippet) : undefined }];
    }),
  );
}
