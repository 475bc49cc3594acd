/**
 * The contenders: one adapter each, which runs a routine under the library's own renewed lock and asks the library, in
 * its own terms, whether the lock may still be relied on.
 *
 * The settings are those of the READMEs, with what they recommend for long work (`using`, the automatic refresh). The
 * TTL is the same for all.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks, type Lease } from '@holdfast/lock';
import { Redlock as SesameRedlock } from '@sesamecare-oss/redlock';
import { Redis } from 'ioredis';
import { RedlockMutex } from 'redis-semaphore';
import Redlock from 'redlock';

/** In ms. */
export const TTL = 2_000;

export const RESOURCE = 'account';

/** A held lock, as a routine sees it. */
export interface Held {
  /** Whether it may still be relied on. */
  isValid(): boolean;
  /** Whether it had already run out when it was granted; undefined if the library does not tell. */
  readonly wasExpired: boolean | undefined;
  /** Reads the data that the section protects. */
  read(): Promise<string | null>;
  /** Writes the data; rejects if that is refused. */
  write(value: string): Promise<void>;
}

interface Contender {
  /** Runs `routine` under the lock. Rejects if the lock is not granted, or the routine rejects. */
  use(routine: (held: Held) => Promise<void>): Promise<void>;
}

interface ContenderOptions {
  readonly nodes: readonly string[];
  /** The Redis that keeps the protected data. */
  readonly store: string;
}

export interface Described {
  readonly name: string;
  /** The package whose version is printed. */
  readonly package: string;
  readonly remark: string;
  open(options: ContenderOptions): Contender;
}

const KEY = `ledger:${RESOURCE}`;

const plain = (store: Redis): Pick<Held, 'read' | 'write'> => ({
  read: () => store.get(KEY),
  write: async (value) => void (await store.set(KEY, value)),
});

/** As all peers document it: a plain `new Redis(url)` each. */
const clients = (nodes: readonly string[]): Redis[] => nodes.map(quiet);

/** A client that reports no node that is away: that happens here all the time. */
function quiet(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => {});
  return client;
}

const REDLOCK_SETTINGS = {
  driftFactor: 0.01,
  retryCount: 10,
  retryDelay: 200,
  retryJitter: 200,
  automaticExtensionThreshold: 500,
};

/** Parameters that fit the TTL; the defaults are for TTLs up to 30 s. */
const PARAMETERS = { maxTtl: TTL, window: 500, margin: 200, retention: 60_000 };

const holdfast = (guarded: boolean): Described => ({
  name: guarded ? 'holdfast, with a guard' : 'holdfast, without a guard',
  package: '@holdfast/lock',
  remark: `using; maxTtl ${TTL}, window ${PARAMETERS.window}, margin ${PARAMETERS.margin}${guarded ? '; createRedisGuard' : ''}`,
  open({ nodes, store }) {
    const locks = createLocks({ nodes: [...nodes], ...PARAMETERS, onWarning: () => {} });
    const guard = createRedisGuard({ redis: store, window: PARAMETERS.window });
    const data = quiet(store);
    const access = async (lease: Lease): Promise<Pick<Held, 'read' | 'write'>> => {
      if (!guarded) return plain(data);
      const sealed = await guard.seal(lease, { resource: RESOURCE });
      return {
        read: () => data.get(KEY),
        write: async (value) => void (await sealed.write([['SET', KEY, value]])),
      };
    };
    return {
      use: (routine) =>
        locks.using(RESOURCE, { ttl: TTL, wait: 10_000 }, async (lease) => {
          const wasExpired = lease.remaining() === 0;
          const isValid = (): boolean => lease.remaining() > 0 && !lease.signal.aborted;
          await routine({ isValid, wasExpired, ...(await access(lease)) });
        }),
    };
  },
});

const redlock: Described = {
  name: 'redlock',
  package: 'redlock',
  remark: 'using; the settings of its README',
  open({ nodes, store }) {
    const locks = new Redlock(clients(nodes), REDLOCK_SETTINGS);
    locks.on('error', () => {});
    const data = quiet(store);
    return {
      use: (routine) =>
        locks.using([RESOURCE], TTL, (signal) =>
          routine({ isValid: () => !signal.aborted, wasExpired: undefined, ...plain(data) }),
        ),
    };
  },
};

const sesame: Described = {
  name: '@sesamecare-oss/redlock',
  package: '@sesamecare-oss/redlock',
  remark: 'using; the settings of its README',
  open({ nodes, store }) {
    const locks = new SesameRedlock(clients(nodes), REDLOCK_SETTINGS);
    locks.on('error', () => {});
    const data = quiet(store);
    return {
      use: (routine) =>
        locks.using([RESOURCE], TTL, (signal, { lock }) => {
          const wasExpired = lock.expiration <= Date.now();
          return routine({ isValid: () => !signal.aborted, wasExpired, ...plain(data) });
        }),
    };
  },
};

const universal: Described = {
  name: 'redlock-universal',
  package: 'redlock-universal',
  remark: 'createRedlock and using, with its defaults',
  open({ nodes, store }) {
    const data = quiet(store);
    const opened = clients(nodes);
    return {
      async use(routine) {
        const { createRedlock, IoredisAdapter } = await import('redlock-universal');
        const adapters = opened.map((client) => new IoredisAdapter(client));
        const lock = createRedlock({ adapters, key: RESOURCE, ttl: TTL });
        await lock.using((signal) =>
          routine({ isValid: () => signal?.aborted !== true, wasExpired: undefined, ...plain(data) }),
        );
      },
    };
  },
};

const semaphore: Described = {
  name: 'redis-semaphore',
  package: 'redis-semaphore',
  remark: 'RedlockMutex with its automatic refresh',
  open({ nodes, store }) {
    const data = quiet(store);
    const opened = clients(nodes);
    return {
      async use(routine) {
        const mutex = new RedlockMutex(opened, RESOURCE, { lockTimeout: TTL, onLockLost: () => {} });
        await mutex.acquire();
        try {
          await routine({ isValid: () => mutex.isAcquired, wasExpired: undefined, ...plain(data) });
        } finally {
          await mutex.release();
        }
      },
    };
  },
};

export const CONTENDERS: readonly Described[] = [
  holdfast(true),
  holdfast(false),
  redlock,
  sesame,
  universal,
  semaphore,
];
