/**
 * The pictures of the shop: one of each product, and one of each order, for its parcel. They are made by the workers of a queue.
 *
 * Guarantees: there is one picture for each task, whatever becomes of the workers, because it has the name of its task and is
 * written under its token: what a worker writes that has lost the task is refused.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import { createQueue, createWorker, type Queue, type Worker } from '@holdfast/queue';
import { operations } from '../image-pipeline/operations.js';
import { productOf } from './catalogue.js';
import { LEASE } from './setting.js';

/** What a picture is of: a product, or an order of it. */
export interface Subject {
  readonly id: string;
  readonly product: string;
}
export type Pictures = Queue<Subject>;

/** For how long the picture of an order is kept, in seconds. */
const KEPT = 600;

export const openPictures = (redis: string): Pictures =>
  createQueue<Subject>({ redis, name: 'pictures', attempts: 10, limits: { retain: { count: 1_000 } } });

export const makePictures = (pictures: Pictures, guard: RedisGuard): Worker =>
  createWorker({
    queue: pictures,
    concurrency: 8,
    lease: LEASE,
    handler: async (task) => {
      const { id, product } = task.data;
      const jpeg = await operations.thumbnails(Buffer.from(drawing(product)));
      const picture = await guard.seal(task, { resource: `picture:${id}` });
      const expires = id === product ? [] : ['EX', KEPT];
      await picture.write([
        ['SET', `picture:${id}`, jpeg.toString('base64'), ...expires],
        ['HSET', 'pictures', id, task.token],
      ]);
    },
  });

/** A blade of kelp in the colour of the product. */
function drawing(product: string): string {
  const { hue } = productOf(product);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200">
    <rect width="200" height="200" fill="hsl(${hue} 45% 88%)"/>
    <path d="M96 200 C 40 150 150 110 90 60 S 110 10 100 0 C 130 40 90 70 130 110 S 70 160 116 200 Z" fill="hsl(${hue} 50% 38%)"/>
    <circle cx="${40 + (hue % 120)}" cy="44" r="14" fill="hsl(${(hue + 40) % 360} 70% 60%)"/></svg>`;
}
