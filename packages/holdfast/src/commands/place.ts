/** The single Redis of queues and of workflows. */
import type { Arguments } from '../arguments.js';
import { PREFIX, REDIS } from '../options.js';

/** The address of the single Redis, and the prefix of the keys. */
export function placeOf(args: Arguments): { readonly redis: string; readonly prefix: string } {
  const [redis, ...more] = args.addresses(REDIS) ?? [];
  if (redis === undefined || more.length > 0) {
    throw args.wrong(`--redis is one address; got ${more.length + (redis === undefined ? 0 : 1)}`);
  }
  return { redis, prefix: args.text(PREFIX) ?? '' };
}
