/** Searching by meaning and by words at once, over texts that are cut into chunks. The sample of the README of @holdfast/vectors. */
import type { Embed } from '@holdfast/vectors';

/** Stands for a model: counts of three kinds of words. Yours is `embedWith(openai.embedding('...'))`, or any such function. */
const embed: Embed = async (texts) =>
  texts.map((text) =>
    [/password|login|secret/, /door|hours|open/, /./].map((kind) => text.split(kind).length),
  );

// #region readme
import {
  chunksOf,
  createEmbedder,
  createHybridSearch,
  createKeywordIndex,
  createLocalIndex,
} from '@holdfast/vectors';

const texts = {
  reset: 'Choose a new password in the settings. It has twelve letters or more.',
  hours: 'The doors open at eight.',
};
const vectors = createLocalIndex({ dimensions: 3 });
const keywords = createKeywordIndex({ stopWords: ['the', 'my', 'i'] });
const embedder = createEmbedder({ embed, model: 'counts-1' });
for (const [id, text] of Object.entries(texts)) {
  const chunks = chunksOf(text).map((chunk) => chunk.text);
  for (const [n, vector] of (await embedder.embed(chunks)).entries()) {
    vectors.put(`${id}#${n}`, vector);
    keywords.put(`${id}#${n}`, chunks[n] ?? '');
  }
}
const documentOf = (chunk: string) => chunk.replace(/#\d+$/, '');
const kb = createHybridSearch({ vectors, keywords, embedder, documentOf });

const text = 'I forgot my login secret and the settings';
const { hits, degraded } = await kb.search({ text, deadline: 200, fuse: { weights: { vectors: 2 } } });
console.log(hits[0]?.id, hits[0]?.ranks, degraded); // reset { vectors: 1, keywords: 1 } []
const { text: part, marks } = keywords.snippet(texts.reset, text, { words: 4 });
console.log(part, marks.length); // in the settings. It has 1
// #endregion readme
