/** A latch that processes share: what follows on three parts begins when all have ended. A sample of the README of @holdfast/queue. */

// #region readme
import { createLatch } from '@holdfast/queue/latch';
import { data, stop } from './nodes.js';

const parts = createLatch({ redis: data, name: 'import-42' });
await parts.open(3, { expires: 86_400_000 }); // again by whoever else begins; all say the same number

for (const file of ['a.csv', 'b.csv', 'b.csv', 'c.csv']) {
  const { left, counted } = await parts.countDown(file); // anywhere; what is repeated counts once
  console.log(file, counted, left);
}
console.log(await parts.wait({ timeout: 60_000 })); // true; false where the time is over first
// #endregion readme
await parts.close();
await stop();
