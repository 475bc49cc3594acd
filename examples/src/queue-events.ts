/**
 * Events of tasks in a browser: server-sent events that resume where the connection broke. The sample of the README of
 * @holdfast/queue.
 */
import { once } from 'node:events';
// #region readme
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from './nodes.js';

const films = createQueue<{ title: string }>({ redis: data, name: 'films' });
await films.announce(['added', 'begun']); // not needed for progress, completed, retried, failed, stalled …

const server = createServer(async (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const after = request.headers['last-event-id']; // a browser that comes back sends the last id that it has seen
  const from = typeof after === 'string' ? { after } : {};
  // All listeners of this process share one connection to Redis.
  for await (const event of films.events({ signal: gone.signal, ...from }))
    response.write(`id: ${event.cursor}\ndata: ${JSON.stringify(event)}\n\n`);
});
// #endregion readme

server.listen(0);
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** As a browser does: reads events until there are so many, and then loses its connection. */
async function listen(count: number, lastId?: string): Promise<{ id: string; kind: string }[]> {
  const controller = new AbortController();
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
  const response = await fetch(url, { headers, signal: controller.signal });
  const events: { id: string; kind: string }[] = [];
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += new TextDecoder().decode(bytes);
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const [, id = '', json = ''] = /^id: (.*)\ndata: (.*)$/.exec(part) ?? [];
      events.push({ id, kind: JSON.parse(json).kind });
    }
    if (events.length >= count) break;
  }
  controller.abort();
  return events.slice(0, count);
}

const worker = createWorker({ queue: films, handler: (task) => task.progress('half') });
await films.add({ title: 'Metropolis' });
const first = await listen(2, '0:0-0');
const rest = await listen(2, first.at(-1)?.id);
console.log([...first, ...rest].map(({ kind }) => kind).join(', '));

server.closeAllConnections();
server.close();
await worker.stop();
await films.close();
await stop();
