/** A queue behind Fastify: routes that add tasks and look at them; all ends with the server. */

// #region readme
import { createQueue, createWorker, QueueFullError, UnavailableError } from '@holdfast/queue';
import Fastify from 'fastify';
import { data, stop } from './nodes.js';

const images = createQueue<{ url: string }>({ redis: data, name: 'images', limits: { waiting: 10_000 } });
const worker = createWorker({ queue: images, handler: ({ data: { url } }) => `small ${url}` });

const app = Fastify();
app.post<{ Body: { url: string } }>('/images', async ({ body, headers }, reply) => {
  const key = headers['idempotency-key']; // a request that is sent twice adds one task
  const { id } = await images.add(body, typeof key === 'string' ? { id: key } : {});
  return reply.code(202).send({ id });
});
app.get<{ Params: { id: string } }>('/images/:id', async ({ params: { id } }, reply) => {
  const task = await images.get(id);
  return task ? { state: task.state, result: task.result } : reply.code(404).send({});
});
app.setErrorHandler((error, _, reply) => {
  if (error instanceof QueueFullError) return reply.code(429).header('retry-after', 5).send({});
  if (error instanceof UnavailableError) return reply.code(503).header('retry-after', 1).send({});
  return reply.send(error);
});
app.addHook('onClose', async () => {
  await worker.stop();
  await images.close();
});
// #endregion readme

const headers = { 'idempotency-key': 'request-1' };
const post = () => app.inject({ method: 'POST', url: '/images', headers, payload: { url: 'cat.png' } });
const [first, second] = [await post(), await post()];
await images.wait('request-1');
const found = await app.inject({ method: 'GET', url: '/images/request-1' });
const none = await app.inject({ method: 'GET', url: '/images/nobody' });
console.log(first.statusCode, first.json(), second.json(), found.json(), none.statusCode);
await app.close();
await stop();
