/**
 * A server, and a program that adds a task over HTTP. The sample of the README of @holdfast/server.
 */

// #region readme
import { createServer } from '@holdfast/server';
import { data, stop } from './nodes.js';

const server = createServer({ redis: data, port: 0 }); // 'redis://…'; "holdfast serve" does the same
const url = await server.listen();
const task = await fetch(`${url}/v1/queues/images/tasks`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ data: { url: 'https://example.org/cat.png' }, id: 'cat' }),
});
console.log(task.status, await task.json());
console.log(await (await fetch(`${url}/v1/queues/images/tasks/cat`)).json());
await server.close();
// #endregion readme

await stop();
