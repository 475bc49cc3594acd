/**
 * Follow-ups for another queue: they are added to the queue of the tasks that they follow on, in the script that ends the
 * last of those, and a worker of that queue passes them on, as a task of its own.
 *
 * Guarantees: a follow-up that is passed on again, because its worker died or an answer was lost, is added once. While the
 * other queue is full or away, it waits, which costs no attempt.
 */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import type { QueueParts } from './parts.js';
import type { QueuePort } from './port.js';
import type { KeptOptions } from './task-options.js';
import { put } from './verbs.js';

/** For how long a follow-up may be passed on again, in ms. */
const AGAIN = 7 * 86_400_000;

/** How long one waits for a queue that is full or away, in ms. */
const LATER = 1_000;

/** The options that a follow-up is to have in another queue. */
interface FollowUpOptions {
  readonly priority: number;
  readonly key: string;
  readonly delay: number;
  readonly expires: number | undefined;
  /** As keptOptions encodes them. */
  readonly kept: string;
}

/** Throws MisuseError if no worker of the one queue can add to the other. */
export function passedOnTo(
  from: QueueParts,
  to: QueueParts,
  { priority, key, delay, expires, kept }: FollowUpOptions,
): KeptOptions {
  const [here, there] = [from.adding, to.adding];
  if (here.prefix !== there.prefix || here.address !== there.address) {
    throw new MisuseError(
      `followUp.queue is a queue on the same Redis, with the same prefix: "${from.name}" is on ${here.address} with the prefix "${here.prefix}", "${to.name}" on ${there.address} with "${there.prefix}". Add to it in the handler of a follow-up in "${from.name}".`,
    );
  }
  return {
    n: {
      ...{
        queue: to.name,
        groups: [...to.groups.values()].map(({ name }) => name),
        once: from.adding.random.id(),
      },
      ...{ priority, key, delay, ...(expires !== undefined && { expires }) },
      options: { ...(kept === '' ? {} : (JSON.parse(kept) as KeptOptions)), g: from.name },
    },
  };
}

/** Adds a follow-up to its queue. Resolves to in how many ms to try again, or to undefined. */
export async function passOn(
  port: QueuePort,
  { id, data }: { readonly id: string; readonly data: string },
  { queue, groups, once, priority, key, delay, expires, options }: NonNullable<KeptOptions['n']>,
): Promise<number | undefined> {
  try {
    const { word } = await port.beside(queue, groups).call(put, {
      ...{ id, priority, key, delay, expires },
      body: `{"d":${data},"o":${JSON.stringify(options)}}`,
      deduplicate: { key: `follow-up:${once}`, within: AGAIN, keep: 'first' },
    });
    return word === 'full' ? LATER : undefined;
  } catch (error) {
    if (error instanceof UnavailableError) return LATER;
    throw error;
  }
}
