/**
 * A process that serves: Holdfast, or a bare handler that takes and answers the same. Asked anything, it tells its port and what
 * it has used.
 *
 * Arguments: the contestant, the URL of Redis, those of the nodes. It ends when its parent does.
 */
import { createServer as createBare } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocks } from '@holdfast/lock';
import { createServer } from '@holdfast/server';
import type { Response } from '../harness/process.js';
import type { Usage } from './waiting.js';

const [contestant = '', redis = '', nodes = ''] = process.argv.slice(2);
const respond = (response: Response): void => void process.send?.(response);

let grpcPort = 0;

async function serveHoldfast(): Promise<number> {
  const locks = createLocks({ nodes: nodes.split(',') });
  const server = createServer({ redis, locks, port: 0, grpc: { port: 0 } });
  const url = await server.listen();
  grpcPort = Number(new URL(server.grpcUrl ?? '').port);
  return Number(new URL(url).port);
}

function serveBare(): Promise<number> {
  let added = 0;
  /** What it was told to answer, by path. */
  const told = new Map<string | undefined, string>();
  const server = createBare((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if (request.method === 'PUT') told.set(request.url, text);
      const { tasks } = JSON.parse(text);
      const answered = told.get(request.url);
      if (answered !== undefined) {
        response.writeHead(200, { 'content-type': 'application/json' }).end(answered);
        return;
      }
      const answer = () => ({ id: `${Date.now()}-${added++}`, added: true });
      const body = JSON.stringify(tasks ? { tasks: tasks.map(answer) } : answer());
      response.writeHead(201, { 'content-type': 'application/json' }).end(body);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

process.on('disconnect', () => process.exit());
const port = await (contestant === 'holdfast' ? serveHoldfast() : serveBare());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const usage: Usage = { port, grpcPort, memory: process.memoryUsage.rss(), cpu: user + system, sockets };
  respond({ result: usage });
});
respond({ result: 'ready' });
