/**
 * Documents in Redis that every server searches in its own memory: what is near to what. The sample of the README of
 * @holdfast/vectors.
 */

// #region readme
import { createIndex } from '@holdfast/vectors';
import { data, stop } from './nodes.js';

const kb = createIndex({
  redis: data,
  name: 'kb',
  vectors: { dimensions: 3 }, // as many as your model gives
  schema: { kind: 'tag', price: 'number' }, // what documents are filtered by
});
await kb.put({ id: 'apple', vector: [0.9, 0.1, 0.0], attributes: { kind: 'fruit', price: 2 } });
await kb.put({ id: 'pear', vector: [0.8, 0.3, 0.1], attributes: { kind: 'fruit', price: 9 } });
const { place } = await kb.put({ id: 'bus', vector: [0.9, 0.0, 0.2], attributes: { kind: 'vehicle' } });

const filter = { kind: 'fruit', price: { lt: 5 } };
const { hits } = await kb.search({ vector: [1, 0, 0], filter, after: place }); // sees that write, on any server
console.log(hits.map(({ id, score }) => `${id} ${score.toFixed(1)}`)); // [ 'apple 1.0' ]
await kb.close();
// #endregion readme

await stop();
