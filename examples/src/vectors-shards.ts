/** An index in four shards, of which two servers hold two each. The sample of the README of @holdfast/vectors. */
import type { AddressInfo } from 'node:net';

const port = (of: Server): number => (of.address() as AddressInfo).port;

// #region readme
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { createShardedIndex } from '@holdfast/vectors';
import { data, stop } from './nodes.js';

const options = { redis: data, name: 'kb', shards: 4, vectors: { dimensions: 3 } };
const ask = async (of: Server, call: string, signal: AbortSignal) =>
  (await fetch(`http://localhost:${port(of)}`, { method: 'POST', body: call, signal })).text();

// One server holds the first two shards, another one the rest; each asks the other for what it does not hold
const one = createShardedIndex({
  ...options,
  hold: [0, 1],
  peers: (_, call, signal) => ask(others, call, signal),
});
const other = createShardedIndex({
  ...options,
  hold: [2, 3],
  peers: (_, call, signal) => ask(ones, call, signal),
});
const serve = (index: typeof one) =>
  createServer(async (request, response) => response.end(await index.answer(await text(request))));
const [ones, others] = [serve(one).listen(0), serve(other).listen(0)];

for (const [n, id] of ['apple', 'pear', 'plum', 'bus'].entries())
  await one.put({ id, vector: [1, n / 10, 0] });
const { hits, partial } = await other.search({ vector: [1, 0, 0], limit: 2, partialAfter: 5_000 });
console.log(hits.map(({ id }) => id).join(), partial); // apple,pear []
// #endregion readme

for (const server of [ones, others]) server.close();
for (const server of [ones, others]) server.closeAllConnections();
await Promise.all([one.close(), other.close()]);
await stop();
