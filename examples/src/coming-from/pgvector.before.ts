/** Articles in PostgreSQL with pgvector. It needs a server that has the extension. */

// #region readme
import pg from 'pg';
import { ARTICLES, QUESTION } from './texts.js';

const database = new pg.Client(process.env['DATABASE_URL']);
await database.connect();
await database.query(`
  CREATE EXTENSION IF NOT EXISTS vector;
  CREATE TABLE articles (id text PRIMARY KEY, title text, product text, updated timestamptz, embedding vector(3));
  CREATE INDEX ON articles USING hnsw (embedding vector_cosine_ops)`);
for (const { id, title, product, vector } of ARTICLES) {
  await database.query(
    `INSERT INTO articles VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id)
     DO UPDATE SET title = $2, product = $3, updated = $4, embedding = $5 WHERE articles.updated <= $4`,
    [id, title, product, new Date(), JSON.stringify(vector)],
  );
}
await database.query('SET hnsw.iterative_scan = strict_order'); // or a filter leaves too few
const { rows } = await database.query(
  'SELECT id FROM articles WHERE product = $1 ORDER BY embedding <=> $2 LIMIT 2',
  ['account', JSON.stringify(QUESTION)],
);
console.log(rows.map(({ id }) => id));
// #endregion readme

await database.end();
