/**
 * From a user's node source, a URL or an existing client, to a connection.
 *
 * Guarantees: clients are told apart by their shape, not by their library's classes, so several copies of a library
 * in one program do no harm. Anything else throws a MisuseError at once.
 */
import type { ConnectionOptions } from 'node:tls';
import { display, MisuseError } from '@holdfast/kernel';
import { type Address, parseAddress } from './address.js';
import { type Connection, reasonOf } from './connection.js';
import { fromIoredis, type IoredisClient, likeIoredis, onceFromIoredis, openIoredis } from './ioredis.js';
import { fromNodeRedis, likeNodeRedis, type NodeRedisClient, openNodeRedis } from './node-redis.js';

/**
 * A URL (`redis://`, `rediss://`, `unix:`, `redis-sentinel://`, `redis-cluster://`), an ioredis or a node-redis client.
 */
export type NodeSource = string | IoredisClient | NodeRedisClient;

export interface ConnectOptions {
  /** For `rediss://` URLs. */
  readonly tls?: ConnectionOptions | undefined;
  /** One of the keys that the connection is used for: in a Cluster, it determines the server. */
  readonly key?: string;
  /**
   * No command may reach the server twice: if the user's client resends commands that were unanswered when its
   * connection broke, a connection like it is used instead. Default false.
   */
  readonly once?: boolean;
  /**
   * The connection is shared with nobody, as for a command that waits: instead of a client of the user's, a connection
   * like it is used. Default false.
   */
  readonly alone?: boolean;
}

/** Makes the connection for `source`, without opening it. Throws MisuseError. */
export function connect(source: NodeSource, options: ConnectOptions = {}): Connection {
  if (typeof source === 'string') return fromUrl(parseAddress(source), options);
  if (typeof source !== 'object' || source === null) throw unknown(source);
  if ('isCluster' in source && source.isCluster === true) {
    throw new MisuseError(
      'A client of a Cluster cannot serve as a node; give redis-cluster://host:port,… instead.',
    );
  }
  if (isIoredis(source)) {
    requireNoKeyPrefix(source);
    if (options.alone) return likeIoredis(source);
    return options.once ? onceFromIoredis(source) : fromIoredis(source);
  }
  if (isNodeRedis(source)) return options.alone ? likeNodeRedis(source) : fromNodeRedis(source);
  throw unknown(source);
}

function unknown(source: unknown): MisuseError {
  return new MisuseError(
    `A node is a URL such as redis://127.0.0.1:6379, an ioredis client or a node-redis client; got ${display(source)}.`,
  );
}

/**
 * A client with a `keyPrefix` and one without would not see each other's keys, and the client renames only some of
 * them.
 */
function requireNoKeyPrefix({ options: { keyPrefix } }: IoredisClient): void {
  if (!keyPrefix) return;
  throw new MisuseError(
    `The ioredis client has keyPrefix ${display(keyPrefix)}; pass a client without it, and give the option "prefix" instead.`,
  );
}

function isIoredis(source: object): source is IoredisClient {
  return 'status' in source && 'call' in source && 'options' in source;
}

function isNodeRedis(source: object): source is NodeRedisClient {
  return 'isReady' in source && 'sendCommand' in source;
}

/** ioredis is preferred, because it writes a command at once; node-redis is used where only that is installed. */
function fromUrl(address: Address, { tls, key = '' }: ConnectOptions): Connection {
  let chosen = openIoredis(address, { tls, key });
  return {
    address: address.display,
    get unready() {
      return chosen.unready;
    },
    async open() {
      try {
        await chosen.open();
      } catch (error) {
        if (!isMissing(error)) throw error;
        if (address.via) {
          throw new MisuseError(`To connect to ${address.display} install ioredis: npm install ioredis.`, {
            cause: error,
          });
        }
        chosen = openNodeRedis(address, tls);
        await chosen.open().catch((second: unknown) => {
          throw new MisuseError(
            `To connect to ${address.display} install a Redis client: npm install ioredis (or redis). ${reasonOf(second)}`,
            { cause: second },
          );
        });
      }
    },
    send: (command, args) => chosen.send(command, args),
    sendBinary: (command, args) => chosen.sendBinary(command, args),
    listen: (channel, listener) => chosen.listen(channel, listener),
    restart: () => chosen.restart(),
    close: () => chosen.close(),
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
