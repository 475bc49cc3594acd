/**
 * A process that serves: Holdfast, or a bare handler that takes and answers the same. Asked anything, it tells its port.
 *
 * Arguments: the contestant, the URL of Redis, those of the nodes. It ends when its parent does.
 */
import { createServer as createBare } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocks } from '@holdfast/lock';
import { createServer } from '@holdfast/server';
import type { Response } from '../harness/process.js';

const [contestant = '', redis = '', nodes = ''] = process.argv.slice(2);
const respond = (response: Response): void => void process.send?.(response);

async function serveHoldfast(): Promise<number> {
  const server = createServer({ redis, locks: createLocks({ nodes: nodes.split(',') }), port: 0 });
  return Number(new URL(await server.listen()).port);
}

function serveBare(): Promise<number> {
  let added = 0;
  const server = createBare((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { tasks } = JSON.parse(Buffer.concat(chunks).toString());
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
process.on('message', () => respond({ result: port }));
respond({ result: 'ready' });
