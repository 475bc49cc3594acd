/** A new model goes live beside the old one, under a lease. The sample of the README of @holdfast/vectors. */
import { createEmbedder, type Embed } from '@holdfast/vectors';
import { data, nodes, stop } from './nodes.js';

/** Stand for models: they count words of some kinds. */
const counting = (...kinds: readonly RegExp[]): Embed => {
  return async (texts) => texts.map((text) => kinds.map((kind) => text.split(kind).length));
};
const today = createEmbedder({ embed: counting(/password/i, /hours/i, /./), model: 'counts-1' });
const better = createEmbedder({ embed: counting(/password|login/i, /hours|doors/i), model: 'counts-2' });

// #region readme
import { createLocks } from '@holdfast/lock';
import { createIndex } from '@holdfast/vectors';

const locks = createLocks({ nodes });
const kb = createIndex({
  redis: data,
  name: 'help',
  vectors: { model: 'counts-1', dimensions: 3, embedder: today },
  next: { model: 'counts-2', dimensions: 2, embedder: better },
});
const texts = { reset: 'Reset your password', door: 'The doors open at eight' };
for (const [id, text] of Object.entries(texts)) {
  const [vector] = await today.embed([text]);
  await kb.put({ id, text, ...(vector && { vector }) });
}
await locks.using('help:build', {}, async (lease) => {
  const builder = await kb.begin({}, lease); // goes on where one that has ended was
  do await builder.fill();
  while ((await builder.cut()).outcome === 'behind'); // something was written meanwhile
});
const { hits } = await kb.search({ text: 'opening hours' });
console.log(
  hits[0]?.id,
  (await kb.generations()).map(({ model, state }) => `${model} ${state}`),
);
// door [ 'counts-1 kept', 'counts-2 live' ]
await kb.close();
// #endregion readme
await locks.close();
await stop();
