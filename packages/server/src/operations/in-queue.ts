/**
 * What operations on queues share: their parameter, and that the queue exists.
 */
import type { Queue } from '@holdfast/queue';
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import type { Call } from './operation.js';
import { queueName } from './values.js';

export const inQueue = z.strictObject({ queue: queueName });
/** Of examples. */
export const QUEUE = { queue: 'images' };
export const ADMIN = { right: 'queues:admin', judgedBy: 'queue' } as const;

/** Works with a queue that exists. Throws NotFoundError. */
export function onQueue<Result>(
  { systems, params: { queue: name } }: Pick<Call<{ queue: string }>, 'systems' | 'params'>,
  work: (queue: Queue) => Promise<Result>,
): Promise<Result> {
  return systems.withQueue(name, async (queue) => {
    if (await queue.exists()) return work(queue);
    throw new NotFoundError(`There is no queue "${name}".`);
  });
}
