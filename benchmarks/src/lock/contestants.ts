/**
 * The contestants: one adapter each, over the same five nodes with the same TTL.
 *
 * Guarantees: every contestant opens its own connections with its client's defaults; nothing is shared. Settings are
 * the documented ones; where a peer would do work that nobody else does, it is turned off, and `remark` says so.
 * `start` rejects when a contestant does not run here; the others are measured all the same.
 */
import { createLocks, type Locks } from '@holdfast/lock';
import { Redlock as SesameRedlock } from '@sesamecare-oss/redlock';
import { Redis } from 'ioredis';
import { RedlockMutex } from 'redis-semaphore';
import Redlock from 'redlock';
import { startRawLimit } from './raw-limit.js';

/** The lifetime of every lock in the benchmark, in milliseconds. */
const TTL = 10_000;

/** Gives the lock back; resolves when the contestant says that it is done. */
type Release = () => Promise<unknown>;

export interface Session {
  acquire(resource: string): Promise<Release>;
  stop(): void | Promise<void>;
}

export interface Contestant {
  readonly name: string;
  /** "limit" is the cost of the nodes and the client library alone; it makes no promise of a lock. */
  readonly role: 'ours' | 'peer' | 'limit';
  /** The package whose version is printed. */
  readonly package: string;
  readonly remark: string;
  /** The commands that its clients send to lock, wait and release; its scripts call none of them. */
  readonly sends: readonly string[];
  start(urls: readonly string[]): Promise<Session>;
}

/** The client that all peers document, as they document it: a plain `new Redis(url)`. */
async function openClients(urls: readonly string[]): Promise<Redis[]> {
  const clients = urls.map((url) => new Redis(url));
  await Promise.all(clients.map((client) => client.ping()));
  return clients;
}

function closeAll(clients: readonly Redis[]): void {
  for (const client of clients) client.disconnect();
}

/** The settings of both READMEs. */
const REDLOCK_SETTINGS = { driftFactor: 0.01, retryCount: 10, retryDelay: 200, retryJitter: 200 };

const holdfast: Contestant = {
  name: 'holdfast',
  role: 'ours',
  package: '@holdfast/lock',
  remark: 'defaults; opens its own connections from the URLs (ioredis)',
  sends: ['fcall', 'evalsha', 'eval'],
  async start(urls) {
    const locks: Locks = createLocks({ nodes: [...urls] });
    await locks.initialize();
    return {
      async acquire(resource) {
        const lease = await locks.acquire(resource, { ttl: TTL });
        return () => lease.release();
      },
      stop: () => locks.close(),
    };
  },
};

const redlock: Contestant = {
  name: 'redlock',
  role: 'peer',
  package: 'redlock',
  remark: 'settings of its README; done at three answers; ioredis',
  sends: ['evalsha', 'eval'],
  async start(urls) {
    const clients = await openClients(urls);
    const locks = new Redlock(clients, REDLOCK_SETTINGS);
    return {
      async acquire(resource) {
        const lock = await locks.acquire([resource], TTL);
        return () => lock.release();
      },
      stop: () => closeAll(clients),
    };
  },
};

const sesame: Contestant = {
  name: '@sesamecare-oss/redlock',
  role: 'peer',
  package: '@sesamecare-oss/redlock',
  remark: 'settings of its README; done at three answers; ioredis',
  sends: ['evalsha', 'eval'],
  async start(urls) {
    const clients = await openClients(urls);
    const locks = new SesameRedlock(clients, REDLOCK_SETTINGS);
    return {
      async acquire(resource) {
        const lock = await locks.acquire([resource], TTL);
        return () => lock.release();
      },
      stop: () => closeAll(clients),
    };
  },
};

const universal: Contestant = {
  name: 'redlock-universal',
  role: 'peer',
  package: 'redlock-universal',
  remark: 'createRedlock with its defaults and IoredisAdapter; waits for all five answers',
  sends: ['set', 'evalsha', 'eval'],
  async start(urls) {
    // Imported here: it asks for a newer Node, and if it ever stops to load, only this contestant is out.
    const { createRedlock, IoredisAdapter } = await import('redlock-universal');
    const clients = await openClients(urls);
    const adapters = clients.map((client) => new IoredisAdapter(client));
    return {
      async acquire(resource) {
        const lock = createRedlock({ adapters, key: resource, ttl: TTL });
        const handle = await lock.acquire();
        return () => lock.release(handle);
      },
      stop: () => closeAll(clients),
    };
  },
};

const semaphore: Contestant = {
  name: 'redis-semaphore',
  role: 'peer',
  package: 'redis-semaphore',
  remark:
    'RedlockMutex; its refresh, on by default, is turned off in its favour; waits for all five answers; ioredis',
  sends: ['set', 'evalsha', 'eval'],
  async start(urls) {
    const clients = await openClients(urls);
    return {
      async acquire(resource) {
        const mutex = new RedlockMutex(clients, resource, { lockTimeout: TTL, refreshInterval: 0 });
        await mutex.acquire();
        return () => mutex.release();
      },
      stop: () => closeAll(clients),
    };
  },
};

const limit: Contestant = {
  name: 'raw limit',
  role: 'limit',
  package: 'ioredis',
  remark:
    'SET NX PX, then EVALSHA of compare-and-delete, each sent to five nodes and done after three answers; no retry, no clean-up',
  sends: ['set', 'evalsha'],
  async start(urls) {
    const clients = await openClients(urls);
    const acquire = await startRawLimit(clients, TTL);
    return { acquire, stop: () => closeAll(clients) };
  },
};

export const contestants: readonly Contestant[] = [holdfast, redlock, sesame, universal, semaphore, limit];
