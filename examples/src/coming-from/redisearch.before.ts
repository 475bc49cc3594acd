/** Articles as hashes with an index of a search module, as the documentation of Redis shows it. It needs a server that has the module. */

// #region readme
import { createClient, SCHEMA_FIELD_TYPE, SCHEMA_VECTOR_FIELD_ALGORITHM } from 'redis';
import { data, stop } from '../nodes.js';
import { ARTICLES, QUESTION } from './texts.js';

const redis = await createClient({ url: data }).connect();
await redis.ft.create(
  'idx:kb',
  {
    title: SCHEMA_FIELD_TYPE.TEXT,
    product: SCHEMA_FIELD_TYPE.TAG,
    embedding: {
      type: SCHEMA_FIELD_TYPE.VECTOR,
      ALGORITHM: SCHEMA_VECTOR_FIELD_ALGORITHM.HNSW,
      TYPE: 'FLOAT32',
      DIM: 3,
      DISTANCE_METRIC: 'COSINE',
    },
  },
  { ON: 'HASH', PREFIX: 'kb:' },
);
const bytesOf = (vector: readonly number[]) => Buffer.from(Float32Array.from(vector).buffer);
for (const { id, title, product, vector } of ARTICLES) {
  await redis.hSet(`kb:${id}`, { title, product, embedding: bytesOf(vector) });
}
const { documents } = await redis.ft.search(
  'idx:kb',
  '(@product:{account})=>[KNN 2 @embedding $question AS distance]',
  { PARAMS: { question: bytesOf(QUESTION) }, SORTBY: 'distance', RETURN: ['title', 'distance'], DIALECT: 2 },
);
console.log(documents.map(({ id }) => id.replace('kb:', '')));
// #endregion readme

await redis.close();
await stop();
