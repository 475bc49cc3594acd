/**
 * A receiver of webhooks that checks by their signatures that they come from Holdfast, and a server that sends them.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createQueue, createWorker } from '@holdfast/queue';
import { createServer, createServerKey } from '@holdfast/server';
import { data, stop } from './nodes.js';

// #region readme
/** Whether a request comes from who has the secret, and is less than five minutes old. `body`: as it was received. */
function isGenuine(headers: IncomingHttpHeaders, body: string, secret: string): boolean {
  const time = String(headers['webhook-timestamp']);
  if (!(Math.abs(Date.now() / 1_000 - Number(time)) < 300)) return false;
  const right = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(`${headers['webhook-id']}.${time}.${body}`)
    .digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .map((signature) => Buffer.from(signature.replace('v1,', ''), 'base64'))
    .some((given) => given.length === right.length && timingSafeEqual(given, right));
}
// #endregion readme

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
const received = createHttpServer();
received.listen(0, '127.0.0.1');
await once(received, 'listening');
const origin = `http://127.0.0.1:${(received.address() as AddressInfo).port}`;

const folder = await mkdtemp(join(tmpdir(), 'holdfast-webhooks-'));
const [webhooks, serverKey] = [join(folder, 'webhooks.json'), join(folder, 'server-key.json')];
await writeFile(webhooks, JSON.stringify({ receivers: [{ origin, secrets: [secret], private: true }] }));
await writeFile(serverKey, JSON.stringify(createServerKey()));
const server = createServer({ redis: data, port: 0, webhooks, serverKey });
const url = await server.listen();
await fetch(`${url}/v1/webhooks/pictures`, {
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ url: `${origin}/hook`, queue: 'thumbnails', kinds: ['completed'] }),
});

const queue = createQueue({ redis: data, name: 'thumbnails' });
const worker = createWorker({ queue, handler: () => 'done' });
await queue.add({ url: 'https://example.org/cat.png' }, { id: 'cat' });
const [request, response] = await once(received, 'request');
let body = '';
for await (const chunk of request) body += chunk;
response.writeHead(204).end();
const { type, data: about } = JSON.parse(body);
console.log(type, about.id, 'genuine:', isGenuine(request.headers, body, secret));
console.log('changed:', isGenuine(request.headers, body.replace('cat', 'dog'), secret));
console.log('another secret:', isGenuine(request.headers, body, `whsec_${'a'.repeat(44)}`));
console.log('old:', isGenuine({ ...request.headers, 'webhook-timestamp': '1700000000' }, body, secret));

await worker.stop();
await queue.close();
await server.close();
received.close();
await rm(folder, { recursive: true });
await stop();
