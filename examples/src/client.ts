/**
 * A program that adds a task through the client, as one in a browser or without a way to Redis does. The sample of the README
 * of @holdfast/client.
 */
import { createServer } from '@holdfast/server';
import { data, stop } from './nodes.js';

const server = createServer({ redis: data, port: 0 });
const url = await server.listen();

// #region readme
import { createClient, ProblemError } from '@holdfast/client';

const client = createClient({ url }); // such as 'https://holdfast.internal:7400', and key: 'hf_…'
await client.queues.add('images', { data: { url: 'https://example.org/cat.png' }, id: 'cat' });
console.log((await client.queues.get('images', 'cat')).state);
try {
  await client.queues.add('images', { data: null, priority: 99 });
} catch (error) {
  if (error instanceof ProblemError) console.log(error.status, error.errors[0]?.field);
}
// #endregion readme

await server.close();
await stop();
