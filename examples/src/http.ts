/**
 * A server that refuses the requests of a holder that outlived its lease. The sample of the README of @holdfast/fence for
 * HTTP.
 */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createLocks } from '@holdfast/lock';
import { data, nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });
const server = createServer();

async function listen(listener: (...args: Parameters<RequestListener>) => Promise<void>): Promise<string> {
  server.on('request', (request, response) => {
    listener(request, response).catch((error: Error) => response.destroy(error));
  });
  await once(server.listen(0, 'localhost'), 'listening');
  return `http://localhost:${(server.address() as AddressInfo).port}/42`;
}

// #region readme
import { StaleTokenError } from '@holdfast/fence';
import { fencedFetch, nodeFencing } from '@holdfast/fence/http';
import { createRedisGuard } from '@holdfast/fence/redis';

const guard = createRedisGuard({ redis: data });
const fenced = nodeFencing(
  { guard, resource: ({ url }) => `account:${url?.slice(1)}` },
  async (request, response, fencing) => {
    await fencing?.write([['SET', fencing.resource, await text(request)]]); // under the token of the request
    response.writeHead(204).end();
  },
);
const url = await listen(fenced); // http.createServer

const early = await locks.acquire('account:42', { ttl: 200 }); // and never extended
const later = await locks.acquire('account:42'); // granted when that has run out
await fencedFetch(later, url, { method: 'PUT', body: '5' });
await fencedFetch(early, url, { method: 'PUT', body: '1' }).catch((error: unknown) => {
  if (error instanceof StaleTokenError) console.log(`refused: ${error.offered} is below ${error.seen}`);
});
// #endregion readme

server.close();
await guard.close();
await locks.close();
await stop();
