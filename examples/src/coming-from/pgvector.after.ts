/** Articles that stay in PostgreSQL: what is searched follows them. */

// #region readme
import { createIndex } from '@holdfast/vectors';
import { data, stop } from '../nodes.js';
import { ARTICLES, QUESTION } from './texts.js';

const kb = createIndex({ redis: data, name: 'kb', vectors: { dimensions: 3 }, schema: { product: 'tag' } });
const updated = new Date(); // of the row: what comes late changes nothing
for (const { id, vector, ...attributes } of ARTICLES) {
  await kb.put({ id, vector, attributes }, { time: updated });
}
const late = await kb.delete('reset', { time: new Date(updated.getTime() - 1_000) });
const { place } = await kb.delete('login', { time: updated }); // for the deleted row
const filter = { product: 'account' };
const { hits } = await kb.search({ vector: QUESTION, filter, limit: 2, after: place });
console.log(
  late.outcome,
  hits.map(({ id }) => id),
);
await kb.close();
// #endregion readme

await stop();
