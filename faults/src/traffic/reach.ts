/**
 * How a client process reaches the nodes: by their URLs, or by a client library of its own that maps what the sentinels
 * say to the links of this process.
 */
import { Redis } from 'ioredis';
import type { Reach } from './assignment.js';

const opened: Redis[] = [];

export function connectNodes({ nodes, ports }: Reach): readonly (string | Redis)[] {
  if (!ports) return nodes;
  return nodes.map((url) => {
    const places = /^redis-sentinel:\/\/([^?]*)/.exec(url)?.[1]?.split(',') ?? [];
    const redis = new Redis({
      sentinels: places.map((place) => ({ host: '127.0.0.1', port: Number(place.split(':')[1]) })),
      name: 'main',
      natMap: Object.fromEntries(
        Object.entries(ports).map(([place, port]) => [place, { host: '127.0.0.1', port }]),
      ),
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 2_000,
      retryStrategy: () => 100,
      sentinelRetryStrategy: () => 100,
      failoverDetector: true,
      reconnectOnError: (error) => /^(READONLY|MASTERDOWN)/.test(error.message),
    });
    redis.on('error', () => {}); // servers are killed on purpose
    opened.push(redis);
    return redis;
  });
}

export function disconnectNodes(): void {
  for (const redis of opened) redis.disconnect();
}
