/**
 * The raw limit: the fewest commands with which anybody could take and give back a lock on a majority, written as
 * directly as the client library allows.
 *
 * Guarantees: done at the third success, as a quorum lock is. It rejects as soon as three successes cannot come any
 * more, and leaves what it took to its TTL: it is a measure, not a lock.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';

const COMPARE_AND_DELETE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

export async function startRawLimit(
  clients: readonly Redis[],
  ttl: number,
): Promise<(resource: string) => Promise<() => Promise<void>>> {
  const quorum = Math.floor(clients.length / 2) + 1;
  const digest = createHash('sha1').update(COMPARE_AND_DELETE).digest('hex');
  await Promise.all(clients.map((client) => client.script('LOAD', COMPARE_AND_DELETE)));
  const prefix = randomBytes(12).toString('hex');
  let count = 0;
  return async (resource) => {
    const key = `raw:${resource}`;
    const value = `${prefix}.${++count}`;
    await atQuorum(clients, quorum, (client) => client.set(key, value, 'PX', ttl, 'NX'));
    return () => atQuorum(clients, quorum, (client) => client.evalsha(digest, 1, key, value));
  };
}

/** Sends to all; resolves at `quorum` answers that are not null and not 0. */
function atQuorum(
  clients: readonly Redis[],
  quorum: number,
  send: (client: Redis) => Promise<unknown>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let successes = 0;
    let failures = 0;
    const onFailure = (): void => {
      failures += 1;
      if (failures > clients.length - quorum) reject(new Error('no quorum'));
    };
    const onAnswer = (answer: unknown): void => {
      if (!answer) onFailure();
      else if (++successes === quorum) resolve();
    };
    for (const client of clients) send(client).then(onAnswer, onFailure);
  });
}
