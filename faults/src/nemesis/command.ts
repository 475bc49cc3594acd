/**
 * One command to a server, past the links, over a connection of its own.
 */
import type { LocalNode } from '@holdfast/local';
import { Redis } from 'ioredis';

/** Rejects if the server does not answer within `timeout` ms, or answers with an error. */
export async function command(
  node: Pick<LocalNode, 'url'>,
  [name = '', ...args]: readonly string[],
  timeout = 5_000,
): Promise<unknown> {
  const redis = new Redis(node.url, {
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    commandTimeout: timeout,
  });
  redis.on('error', () => {}); // the command says it
  try {
    return await redis.call(name, args);
  } finally {
    redis.disconnect();
  }
}
