/** Documents with texts in Redis, found by what they mean and by their words. The sample of the README of @holdfast/vectors. */
import type { Embed } from '@holdfast/vectors';
import { data, stop } from './nodes.js';

/** Stands for a model: counts of three kinds of words. Yours is `embedWith(openai.embedding('...'))`, or any such function. */
const embed: Embed = async (texts) =>
  texts.map((text) =>
    [/password|login|secret/i, /door|hours|open/i, /./].map((kind) => text.split(kind).length),
  );

// #region readme
import { createEmbedder, createIndex } from '@holdfast/vectors';

const embedder = createEmbedder({ embed, model: 'counts-1' });
const kb = createIndex({
  redis: data,
  name: 'help',
  vectors: { dimensions: 3, embedder },
  keywords: { fields: { title: 2, body: 1 }, stopWords: ['the', 'in', 'my', 'i'] },
});
const articles = {
  reset: { title: 'Reset your password', body: 'Choose a new one in the settings.' },
  hours: { title: 'Opening hours', body: 'The doors open at eight.' },
};
let after = '';
for (const [id, text] of Object.entries(articles)) {
  const [vector] = await embedder.embed([`${text.title}\n${text.body}`]);
  after = (await kb.put({ id, text, ...(vector && { vector }) })).place;
}
const text = 'I forgot my secret: where are the settings?';
const { hits, degraded } = await kb.search({ text, after, snippet: { words: 4 }, deadline: 200 });
for (const { id, ranks, snippet } of hits.slice(0, 1)) console.log(id, ranks, snippet?.text);
console.log(degraded); // [], or what was late: then words have answered alone
await kb.close();
// #endregion readme
await stop();
