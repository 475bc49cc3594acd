/**
 * Documents whose vectors are made by workers of a queue, and queries whose vectors are made in a thread. The sample of the README of
 * @holdfast/vectors.
 */
import { data, stop } from './nodes.js';

/** Stands for a file of yours that loads a model and exports a function from texts to vectors. */
const module = `data:text/javascript,export default (texts) => texts.map((text) => [
  /password|login/i, /hours|doors/i].map((kind) => text.split(kind).length - 0.9));`.replace(/\n/g, '');

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { createEmbedder, createIndex, type EmbeddingTask, embedInThreads } from '@holdfast/vectors';

const model = embedInThreads({ module, threads: 1 }); // new URL('./model.js', import.meta.url)
const embedder = createEmbedder({ embed: model.embed, model: 'counts-1' });
const tasks = createQueue<EmbeddingTask>({ redis: data, name: 'embed' });
const kb = createIndex({
  ...{ redis: data, name: 'help', tasks },
  vectors: { dimensions: 2, embedder },
  keywords: {},
});
const worker = createWorker({ queue: tasks, concurrency: 64, handler: kb.embedder() });

await kb.put({ id: 'reset', text: 'Reset your password' }); // found by its words from here on
const { place: after } = await kb.put({ id: 'door', text: 'The doors open at eight' }, { wait: 'vectors' });
const { hits, degraded } = await kb.search({ text: 'opening hours', after, deadline: 5_000 });
console.log(hits[0]?.id, hits[0]?.ranks, degraded); // door { vectors: 1 } []
await worker.stop();
await Promise.all([kb.close(), tasks.close(), model.close()]);
// #endregion readme
await stop();
