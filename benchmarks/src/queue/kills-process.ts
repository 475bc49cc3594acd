/**
 * A worker of `queue-kills`, which is killed. Arguments: the URL, and the keys of the
 * hashes in which it counts starts and effects. Its only message says that it is at work.
 */
import { setTimeout } from 'node:timers/promises';
import { createQueue, createWorker } from '@holdfast/queue';
import { Redis } from 'ioredis';

const [url = '', starts = '', effects = ''] = process.argv.slice(2);
const redis = new Redis(url, { enableAutoPipelining: true });
const queue = createQueue<number>({ redis: url, name: 'kills' });
createWorker<number, void>({
  queue,
  concurrency: 50,
  lease: 2_000,
  handler: async (task) => {
    await redis.hincrby(starts, String(task.data), 1);
    await setTimeout(5);
    task.effect('HINCRBY', effects, String(task.data), 1);
  },
});
process.on('disconnect', () => process.exit());
process.send?.({ result: 'at work' });
