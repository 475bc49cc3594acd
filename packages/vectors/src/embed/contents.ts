/**
 * From documents to their vectors: by a function of the user, or by the embedders of the aspects, which embed texts.
 *
 * Guarantees: the vectors of each document are those that a put would take, or a MisuseError names the document.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import { chunksOf } from '../hybrid/chunk.js';
import type { Vector } from '../index/metric.js';
import type { Text } from '../keywords/keyword-index.js';
import type { Attributes } from '../truth/record.js';
import { type Document, vectorsOf } from '../write/document.js';
import type { EmbeddingCache } from './cache.js';

/** A document that is to have vectors. */
export interface Source {
  readonly id: string;
  readonly text: Text | undefined;
  readonly attributes: Attributes;
}

/**
 * The vectors of each document, in their order: a vector, those of its chunks, or of named vectors these by name; undefined for a
 * document that is to have none.
 */
export type EmbedDocuments = (
  documents: readonly Source[],
  signal: AbortSignal,
) => Promise<readonly (Vector | Document['vectors'] | undefined)[]>;

/** Of each document the vectors of each aspect. Throws MisuseError, and what the model throws. */
export async function embedSources(
  sources: readonly Source[],
  {
    aspects,
    embed,
    cache,
    signal,
  }: {
    aspects: readonly Aspect[];
    embed: EmbedDocuments | undefined;
    cache: EmbeddingCache | undefined;
    signal: AbortSignal;
  },
): Promise<readonly (readonly (readonly Vector[])[])[]> {
  if (embed === undefined) {
    const named = await Promise.all(aspects.map((aspect) => embedTexts(sources, aspect, { cache, signal })));
    return sources.map((_, at) => named.map((vectors) => vectors[at] ?? []));
  }
  const given: unknown = await embed(sources, signal);
  if (!Array.isArray(given) || given.length !== sources.length) {
    const got = Array.isArray(given) ? `${given.length} of them` : display(given);
    throw new MisuseError(`"embed" gives the vectors of each of ${sources.length} documents; got ${got}.`);
  }
  return given.map((each: Vector | Document['vectors'] | undefined, at) => {
    const { id } = sources[at]!;
    if (each === undefined) return aspects.map(() => []);
    const isOne = typeof (each as Vector)[0] === 'number';
    return vectorsOf(
      isOne ? { id, vector: each as Vector } : { id, vectors: each as NonNullable<Document['vectors']> },
      aspects,
    );
  });
}

/** Texts are cut into chunks if the aspect says so; a text without words has no vector. */
async function embedTexts(
  sources: readonly Source[],
  { name, embedder, chunk, ...of }: Aspect,
  { cache, signal }: { readonly cache: EmbeddingCache | undefined; readonly signal: AbortSignal },
): Promise<readonly (readonly Vector[])[]> {
  const parts = sources.map(({ id, text }) => {
    if (text === undefined) {
      throw new MisuseError(
        `The document ${display(id)} has no text, and its vectors are of another model: give "embed", which makes those of documents.`,
      );
    }
    const whole = textOf(text, name);
    if (whole.trim() === '') return [];
    return chunk ? chunksOf(whole, chunk).map((each) => each.text) : [whole];
  });
  if (embedder === undefined) {
    throw new MisuseError(
      `The vectors${name && ` of the name "${name}"`} have no "embedder" to make them of texts.`,
    );
  }
  const embed = (texts: readonly string[]) => embedder.embed(texts, { signal });
  const texts = parts.flat();
  const vectors = await (cache ? cache.vectorsOf(texts, of, embed) : embed(texts));
  let at = 0;
  return parts.map((some) => some.map(() => vectors[at++]!));
}

/** Of a text with fields, the field of the name of the aspect, if it has one; else all of them. */
function textOf(text: Text, name: string): string {
  if (typeof text === 'string') return text;
  return (
    (name !== '' && Object.hasOwn(text, name) ? text[name] : undefined) ?? Object.values(text).join('\n')
  );
}
