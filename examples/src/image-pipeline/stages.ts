/**
 * The two stages, each a worker: a thumbnail of 200 x 200, and after it the picture with a watermark.
 *
 * A task may be handled twice, as when its worker is frozen and another takes over. What is written has the picture's name,
 * under the task's token, so there is one thumbnail whatever happens, and it is not that of a stale worker. The second
 * stage is enqueued under the picture's id, so it is there once.
 */
import { createWorker, NonRetryableError, type Task, type Worker } from '@holdfast/queue';
import { operations } from './operations.js';
import { type Picture, pictures, settings, thumbnails, watermarks } from './settings.js';

const { lease, concurrency } = settings;

export const startThumbnails = (): Worker =>
  createWorker({
    queue: thumbnails,
    ...{ lease, concurrency },
    handler: async (task: Task<Picture>) => {
      await write(task, 'thumbnails');
      await watermarks.add(task.data, { id: task.data.id });
    },
  });

export const startWatermarks = (): Worker =>
  createWorker({
    queue: watermarks,
    ...{ lease, concurrency },
    handler: (task: Task<Picture>) => write(task, 'watermarked'),
  });

/** Makes a picture of the original, and writes it under the task's token. */
async function write(task: Task<Picture>, form: keyof typeof operations): Promise<void> {
  const { id } = task.data;
  const original = await pictures.read(`originals/${id}`);
  if (original === undefined) throw new NonRetryableError(`There is no picture ${id}.`);
  const body = await operations[form](original);
  const sealed = await pictures.seal(task, { resource: `${form}/${id}` });
  await sealed.write({ body, contentType: 'image/jpeg' });
}
