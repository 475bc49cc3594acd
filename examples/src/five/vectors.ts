/** What is near to what. A sample of the README of the repository. */
import { createIndex } from '@holdfast/vectors';
import { data } from '../nodes.js';

// #region readme
const kb = createIndex({ redis: data, name: 'kb', vectors: { dimensions: 3 }, schema: { kind: 'tag' } });
await kb.put({ id: 'bus', vector: [0.9, 0, 0.2], attributes: { kind: 'vehicle' } });
const { place } = await kb.put({ id: 'apple', vector: [0.9, 0.1, 0], attributes: { kind: 'fruit' } });
const { hits } = await kb.search({ vector: [1, 0, 0], filter: { kind: 'fruit' }, after: place });
console.log(hits.map(({ id }) => id)); // on any server, this search sees that write
// #endregion readme

await kb.close();
