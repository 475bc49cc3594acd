/** A task that always fails: found, mended, and tried again. A recipe of docs/COOKBOOK.md. */

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from '../nodes.js';

let release = 1;
const parcels = createQueue<{ weight: number | string }>({
  ...{ redis: data, name: 'parcels', attempts: 3, timeout: 5_000, backoff: { type: 'constant', delay: 10 } },
});
const worker = createWorker({
  queue: parcels,
  concurrency: 4,
  handler: ({ data: { weight } }) => {
    if (typeof weight === 'string' && release === 1) throw new TypeError('weight is no number');
    return Number(weight);
  },
});

async function alarm(): Promise<string> {
  for await (const event of parcels.events({ after: '0:0-0' })) {
    if (event.kind === 'failed') return event.id; // after three attempts; the tasks behind it went on
  }
  return '';
}
const { id } = await parcels.add({ weight: '7 kg'.slice(0, 1) });
await parcels.add({ weight: 3 });

const dead = await parcels.get(await alarm()); // with each attempt's error, stack, worker and duration
release = 2; // the mended handler is deployed
await parcels.requeue(id); // or all of them: holdfast queue retry parcels
// #endregion readme

console.log(dead?.errors?.length, dead?.errors?.at(-1)?.message, await parcels.wait(id));
await worker.stop();
await parcels.close();
await stop();
