/** The search box: products by what they mean. */
import { createEmbedder, createIndex, type VectorIndex } from '@holdfast/vectors';
import { DIMENSIONS, embed, MODEL } from '../sentence-model.js';
import { CATALOGUE } from './catalogue.js';

const embedder = createEmbedder({ embed, model: MODEL });

export function openSearch(redis: string): VectorIndex {
  const vectors = { model: MODEL, dimensions: DIMENSIONS, embedder };
  return createIndex({ redis, name: 'products', vectors, keywords: { fields: { name: 2, text: 1 } } });
}

/** Writes the catalogue. What is written again is not there twice. */
export async function writeCatalogue(index: VectorIndex): Promise<void> {
  const vectors = await embedder.embed(CATALOGUE.map(({ name, text }) => `${name}. ${text}`));
  await Promise.all(
    CATALOGUE.map(({ id, name, text }, at) => {
      const vector = vectors[at];
      return index.put({ id, text: { name, text }, ...(vector && { vector }) });
    }),
  );
}

/** The best products for a text, and in how many ms they were found, the text embedded. */
export async function find(index: VectorIndex, text: string) {
  const began = performance.now();
  const { hits } = await index.search({ text, limit: 4, fuse: { weights: { vectors: 2 } }, deadline: 1_000 });
  return { ids: hits.map(({ id }) => id), took: performance.now() - began };
}
