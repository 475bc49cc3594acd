/**
 * Bull Board over a queue of Holdfast: `BULL_BOARD_PORT=3000 node examples/dist/bull-board/main.js`, until Ctrl-C.
 *
 * The board asks nobody for a password: put it behind your own login.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createBullBoard } from '@bull-board/api';
import { ExpressAdapter } from '@bull-board/express';
import { createQueue, createWorker } from '@holdfast/queue';
import express from 'express';
import { data, stop } from '../nodes.js';
import { HoldfastAdapter } from './adapter.js';

const images = createQueue<{ url: string }>({ redis: data, name: 'images', attempts: 1 });
await images.schedule('nightly', { url: 'all' }, { cron: '0 3 * * *' });
const worker = createWorker({
  queue: images,
  handler: async (task) => {
    await task.log(`looks at ${task.data.url}`);
    if (!task.data.url.endsWith('.png')) throw new Error('no picture');
    return 'smaller';
  },
});

const board = new ExpressAdapter();
createBullBoard({ queues: [new HoldfastAdapter(images)], serverAdapter: board });
const app = express();
app.use(board.getRouter());
const server = app.listen(Number(process.env['BULL_BOARD_PORT'] ?? 0));
await once(server, 'listening');
console.log(`board: http://127.0.0.1:${(server.address() as AddressInfo).port}/queue/images`);

await images.add({ url: 'cat.png' }, { id: 'cat' });
await images.add({ url: 'dog.txt' }, { id: 'dog' });
await images.add({ url: 'late.png' }, { id: 'late', delay: 3_600_000 });

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
server.closeAllConnections();
server.close();
await worker.stop();
await images.close();
await stop();
