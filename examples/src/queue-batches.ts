/** Many tasks in one call of the handler, each with an outcome of its own. A sample of the README of @holdfast/queue. */

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from './nodes.js';

const clicks = createQueue<{ page: string }>({ redis: data, name: 'clicks', attempts: 1 });
const worker = createWorker({
  queue: clicks,
  batch: {
    size: 500,
    wait: 100,
    handler: async (tasks) => {
      const pages = tasks.map((task) => task.data.page); // to be written in one statement
      return pages.map((page) =>
        page.startsWith('/') ? `one of ${pages.length}` : new Error(`no page: ${page}`),
      );
    },
  },
});
const added = await clicks.addMany(['/', '/about', 'nonsense'].map((page) => ({ data: { page } })));
for (const { id } of added) console.log(await clicks.wait(id).catch(({ message }: Error) => message));
// #endregion readme
await worker.stop();
await clicks.close();
await stop();
