/** The same with Holdfast. */

// #region readme
import { createIndex } from '@holdfast/vectors';
import { data, stop } from '../nodes.js';
import { ARTICLES, QUESTION } from './texts.js';

const kb = createIndex({ redis: data, name: 'kb', vectors: { dimensions: 3 }, schema: { product: 'tag' } });
let place: string | undefined;
for (const { id, vector, ...attributes } of ARTICLES) {
  ({ place } = await kb.put({ id, vector, attributes }));
}
const filter = { product: 'account' };
// `after`: it sees the last write, on any server
const { hits } = await kb.search({ vector: QUESTION, filter, limit: 2, ...(place && { after: place }) });
console.log(hits.map(({ id }) => id));
await kb.close();
// #endregion readme

await stop();
