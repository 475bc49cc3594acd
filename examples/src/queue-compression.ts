/**
 * Large data are compressed on their way to Redis, small ones left as they are.
 * The sample on compression in the README of @holdfast/queue.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type Codec, createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from './nodes.js';

// #region readme
const [compress, decompress] = [promisify(gzip), promisify(gunzip)]; // outside of this thread
const most = 10_000_000; // so that a few bytes cannot become more than this process has

/** The first byte says how the rest is kept. */
const codec: Codec = {
  async encode(bytes) {
    if (bytes.length < 1_000) return Buffer.concat([Buffer.of(0), bytes]);
    return Buffer.concat([Buffer.of(1), await compress(bytes)]);
  },
  async decode(bytes) {
    const rest = bytes.subarray(1);
    return bytes[0] === 0 ? rest : decompress(rest, { maxOutputLength: most });
  },
};
const reports = createQueue<{ lines: string[] }>({ redis: data, name: 'reports', codec, maxBytes: 400_000 });
const lines = Array.from({ length: 50_000 }, (_, line) => `${line}: nothing has happened`); // 1.5 MB
const { id } = await reports.add({ lines }); // is judged by what is kept
// #endregion readme
const worker = createWorker({ queue: reports, handler: (task) => task.data.lines.length });
console.log(await reports.wait(id));
await worker.stop();
await reports.close();
await stop();
