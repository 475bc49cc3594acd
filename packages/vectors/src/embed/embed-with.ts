/**
 * A model of the `ai` package as a function from texts to vectors. The model is known by its structure, so that nothing is
 * imported, and any object of the same structure will do.
 *
 * Guarantees: no call has more texts than the model takes; a vector for each text, in their order, or an error.
 */
import { display, MisuseError, throwIfAborted } from '@holdfast/kernel';

/** From texts to vectors, one for each, in their order. */
export type Embed = (texts: readonly string[], signal: AbortSignal) => Promise<readonly ArrayLike<number>[]>;

/** What is used of an `EmbeddingModel` of the `ai` package. */
export interface EmbeddingModelLike {
  readonly modelId: string;
  readonly maxEmbeddingsPerCall?: number | undefined | PromiseLike<number | undefined>;
  doEmbed(options: {
    values: string[];
    abortSignal?: AbortSignal;
  }): PromiseLike<{ readonly embeddings: readonly ArrayLike<number>[] }>;
}

/** Throws MisuseError for what is no such model, such as its name only; what it gives throws what the model throws. */
export function embedWith(model: EmbeddingModelLike): Embed {
  if (typeof model !== 'object' || model === null || typeof model.doEmbed !== 'function') {
    throw new MisuseError(
      `embedWith takes an embedding model of the "ai" package, which has doEmbed(), such as openai.embedding('text-embedding-3-small'); got ${display(model)}.`,
    );
  }
  return async (texts, signal) => {
    const most = Math.max(1, (await model.maxEmbeddingsPerCall) ?? texts.length);
    const vectors: ArrayLike<number>[] = [];
    for (let from = 0; from < texts.length; from += most) {
      throwIfAborted(signal, `${model.modelId} was asked`);
      const values = texts.slice(from, from + most);
      const { embeddings } = await model.doEmbed({ values, abortSignal: signal });
      vectors.push(...vectorsFor(values, embeddings));
    }
    return vectors;
  };
}

/** Throws MisuseError unless there is one for each text. */
export function vectorsFor(
  texts: readonly string[],
  vectors: readonly ArrayLike<number>[],
): readonly ArrayLike<number>[] {
  if (Array.isArray(vectors) && vectors.length === texts.length) return vectors;
  const got = Array.isArray(vectors) ? `${vectors.length} of them` : display(vectors);
  throw new MisuseError(`A model gives a vector for each of ${texts.length} texts; got ${got}.`);
}
