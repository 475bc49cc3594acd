/**
 * Which queues there are on a Redis.
 *
 * Guarantees: reads only, some keys at a time. Of a Cluster it sees one shard.
 */
import type { ConnectionOptions } from 'node:tls';
import { requireKnown, systemClock, UnavailableError, within } from '@holdfast/kernel';
import { connect, type NodeSource, reasonOf } from '@holdfast/redis';
import { queueOfKey } from './keys.js';

export interface ListQueuesOptions {
  readonly redis: NodeSource;
  /** How long Redis may take to answer each question, in ms. Default 5000. */
  readonly timeout?: number;
  readonly tls?: ConnectionOptions;
}

/** The names of all queues, in order; those of groups are "<queue>@<group>". Throws UnavailableError. */
export async function listQueues(options: ListQueuesOptions): Promise<string[]> {
  requireKnown('listQueues', options, ['redis', 'timeout', 'tls']);
  const { redis, tls, timeout = 5_000 } = options;
  const connection = connect(redis, { tls, key: '{queue:}', once: true });
  const names = new Set<string>();
  try {
    await within(systemClock, timeout, connection.open(), `did not connect within ${timeout} ms`);
    let cursor = '0';
    do {
      const scan = connection.send('SCAN', [cursor, 'MATCH', '{queue:*}*:*', 'COUNT', '1000']);
      const reply = await within(systemClock, timeout, scan, `did not answer within ${timeout} ms`);
      const [next, keys] = reply as readonly [string, readonly string[]];
      for (const key of keys) names.add(queueOfKey(key));
      cursor = String(next);
    } while (cursor !== '0');
    return [...names].sort();
  } catch (cause) {
    const reason = connection.unready ?? reasonOf(cause);
    throw new UnavailableError('The queues could not be listed.', [{ node: connection.address, reason }], {
      cause,
    });
  } finally {
    connection.close();
  }
}
