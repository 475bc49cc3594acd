/** The work that tasks do here: mails that are sent once each; the server of one address fails at first. */
import { Redis } from 'ioredis';
import { data } from '../nodes.js';

export interface Mail {
  readonly to: string;
}

const redis = new Redis(data, { maxRetriesPerRequest: null });
let isAwake = false;

export async function send({ to }: Mail): Promise<string> {
  if (to === 'slow@example.org' && !isAwake) {
    isAwake = true;
    throw new Error('421 try again later');
  }
  await redis.rpush('sent', to);
  return `250 ${to}`;
}

/** In the order of the addresses. */
export const sent = async (): Promise<readonly string[]> => (await redis.lrange('sent', 0, -1)).sort();

export const end = (): void => redis.disconnect();
