/**
 * What an operator asks of a worker process: a log, whether it is ready, and its metrics. The sample of @holdfast/telemetry.
 */

// #region readme
import { createQueue, createWorker, metricsText } from '@holdfast/queue';
import { listen, logTo } from '@holdfast/telemetry';
import { data, stop } from './nodes.js';

logTo(console); // or a logger of pino
const queue = createQueue<number>({ redis: data, name: 'squares' }); // 'redis://…'
const worker = createWorker({ queue, handler: (task) => task.data ** 2 });
const endpoints = await listen(0, { workers: [worker], metrics: [() => metricsText([queue])] }); // or port 9464
// #endregion readme

const ask = async (path: string): Promise<string> =>
  (await fetch(`http://127.0.0.1:${endpoints.port}${path}`)).text();

for (let answer = ''; answer !== 'ready\n'; ) answer = await ask('/readyz');
console.log('ready');
await queue.wait((await queue.add(3)).id);
await worker.stop();
console.log(/^\w+_duration_seconds_count.*$/m.exec(await ask('/metrics'))?.[0]);
await endpoints.close();
await queue.close();
await stop();
