/**
 * @holdfast/redis/ioredis: the port on ioredis, for a client that the user has and for connections of our own.
 *
 * Guarantees: a client that was passed in is never closed, and is left as it was. Our own connections reconnect for as
 * long as they are open, never queue a command while away, and never send one twice.
 */
import type { ConnectionOptions } from 'node:tls';
import type { RedisOptions as AllOptions, Redis } from 'ioredis';
import type { Address } from './address.js';
import { clusterConnector } from './cluster.js';
import {
  type BinaryReply,
  type Connection,
  forClient,
  isRefusal,
  type Listener,
  type Reply,
  reasonOf,
} from './connection.js';
import { type Emitter, overhear, Watch } from './overhear.js';

/** The part of an ioredis client that Holdfast uses: ioredis 5 and 6 have it. */
export interface IoredisClient extends Emitter {
  readonly status: string;
  readonly options: {
    readonly host?: string | undefined;
    readonly port?: number | undefined;
    readonly path?: string | null | undefined;
    readonly autoResendUnfulfilledCommands?: boolean | undefined;
    /** Refused: it would give keys names that Holdfast does not know. */
    readonly keyPrefix?: string | undefined;
  };
  duplicate(override: object): unknown;
  call(command: string, args: string[]): Promise<unknown>;
  callBuffer(command: string, args: (string | Buffer)[]): Promise<unknown>;
  connect(): Promise<unknown>;
}

/** A connection over a client that the user keeps and closes. */
export function fromIoredis(client: IoredisClient): Connection {
  const { host, port, path } = client.options;
  const watch = new Watch(client);
  return {
    address: path ?? `${host ?? 'localhost'}:${port ?? 6379}`,
    get unready() {
      if (client.status === 'ready') return undefined;
      return `the ioredis client is not connected (status "${client.status}"${watch.last && `; ${watch.last}`})`;
    },
    async open() {
      watch.start();
      if (client.status === 'wait') {
        await client.connect().catch(() => {});
        return;
      }
      if (client.status === 'ready' || client.status === 'end') return;
      await watch.tried();
    },
    send: (command, args) => client.call(command, args as string[]) as Promise<Reply>,
    sendBinary: (command, args) => client.callBuffer(command, args.map(forClient)) as Promise<BinaryReply>,
    listen: (channel, listener) => listenWith(client, channel, listener),
    restart() {},
    close: () => watch.stop(),
  };
}

/**
 * The same, if no command may reach the server twice. By default, ioredis resends commands that were unanswered when
 * its connection broke; they may arrive after commands that were sent later.
 */
export function onceFromIoredis(client: IoredisClient): Connection {
  return client.options.autoResendUnfulfilledCommands === false ? fromIoredis(client) : likeIoredis(client);
}

/** A connection of our own to the same server, with the user's settings. */
export function likeIoredis(client: IoredisClient): Connection {
  const own = client.duplicate({
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    retryStrategy,
  }) as IoredisClient & Revivable & { disconnect(restart: boolean): void };
  let closed = false;
  own.on('error', () => {}); // the connection reports it
  revive(own, () => closed);
  const connection = fromIoredis(own);
  return {
    address: connection.address,
    get unready() {
      return connection.unready;
    },
    open: () => connection.open(),
    send: (command, args) => connection.send(command, args),
    sendBinary: (command, args) => connection.sendBinary(command, args),
    listen: (channel, listener) => connection.listen(channel, listener),
    restart: () => reconnect(own),
    close() {
      closed = true;
      connection.close();
      own.disconnect(false);
    },
  };
}

/** A subscriber, in the terms of the library: a connection that does nothing else. */
interface Subscriber {
  readonly status: string;
  on(event: 'error' | 'ready' | 'end', listener: () => void): unknown;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  disconnect(restart?: boolean): void;
}

function listenWith(client: IoredisClient, channel: string, listener: Listener): { close(): void } {
  const subscriber = client.duplicate({
    lazyConnect: true,
    autoResubscribe: false,
    enableOfflineQueue: true,
    keepAlive: 10_000,
    retryStrategy,
  }) as Subscriber;
  subscriber.on('error', () => {}); // it tries again, and the listener has other means meanwhile
  subscriber.on('message', (_, message) => listener.onMessage(message));
  subscriber.on('ready', () => {
    subscriber.subscribe(channel).then(
      () => listener.onListening(),
      (error: unknown) => isRefusal(error) && listener.onRefused(reasonOf(error)),
    );
  });
  subscriber.connect().catch(() => {});
  let closed = false;
  revive(subscriber, () => closed);
  // A client that reconnects may have found another server, and the subscriber must move there too.
  const ignore = overhear(client, (event) => event === 'ready' && reconnect(subscriber));
  return {
    close() {
      closed = true;
      ignore();
      subscriber.disconnect();
    },
  };
}

/**
 * ioredis ends for good if a failover disturbs it while it looks for its server. A client that was not closed starts
 * again.
 */
function revive(client: Revivable, isClosed: () => boolean): void {
  client.on('end', () => {
    if (!isClosed()) client.connect().catch(() => {});
  });
}

interface Revivable {
  on(event: 'end', listener: () => void): unknown;
  connect(): Promise<unknown>;
}

/** Not while it looks for its server: a client that is disturbed then ends for good. */
function reconnect(client: { readonly status: string; disconnect(restart: boolean): void }): void {
  if (client.status !== 'connecting') client.disconnect(true);
}

const retryStrategy = (tries: number): number => Math.min(50 * 2 ** Math.min(tries - 1, 10), 1_000);

/** Replies as the server gives them. */
type RedisOptions = Omit<AllOptions, 'replyMapping'>;

export interface OpenOptions {
  readonly tls?: ConnectionOptions | undefined;
  /** In a Cluster: a key on the server that is meant. */
  readonly key?: string;
}

/** A connection of our own. The client library is loaded when the connection opens. */
export function openIoredis(address: Address, options: OpenOptions = {}): Connection {
  let connection: Connection | undefined;
  let client: Redis | undefined;
  let closed = false;
  let last = '';
  return {
    address: address.display,
    get unready() {
      if (connection && connection.unready === undefined) return undefined;
      return last ? `not connected: ${last}` : 'not connected yet';
    },
    async open() {
      const { Redis } = await import('ioredis');
      if (closed || connection) return;
      client = new Redis(optionsOf(Redis, address, options));
      client.on('error', (error) => {
        last = reasonOf(error, address.password);
      });
      revive(client, () => closed);
      connection = fromIoredis(client as unknown as IoredisClient);
      await connection.open();
    },
    send(command, args) {
      if (!connection) return Promise.reject(new Error('not connected yet'));
      return connection.send(command, args);
    },
    sendBinary(command, args) {
      if (!connection) return Promise.reject(new Error('not connected yet'));
      return connection.sendBinary(command, args);
    },
    listen(channel, listener) {
      if (!connection) throw new Error('not connected yet');
      return connection.listen(channel, listener);
    },
    restart: () => client && reconnect(client),
    close() {
      closed = true;
      client?.disconnect();
    },
  };
}

function optionsOf(Client: typeof Redis, address: Address, { tls, key = '' }: OpenOptions): RedisOptions {
  const { username, password, via } = address;
  const options: RedisOptions = {
    ...placeOf(address, tls),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    db: address.database,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    // ioredis arms this timer even on a closed stream, and it would keep the process alive.
    disconnectTimeout: 10,
    retryStrategy,
  };
  if (via === undefined) return options;
  // Another server has taken over: look for it again.
  const reconnectOnError = (error: Error): boolean =>
    /^(MOVED|READONLY|CLUSTERDOWN|MASTERDOWN)/.test(error.message);
  if (via.kind === 'cluster')
    return {
      ...{ ...options, reconnectOnError, readOnly: via.replica },
      Connector: clusterConnector(Client, via, key, options),
    };
  return {
    ...options,
    reconnectOnError,
    sentinels: [...via.seeds],
    name: via.master,
    sentinelRetryStrategy: retryStrategy,
    failoverDetector: true,
    ...(password !== undefined && { sentinelPassword: password }),
    ...(username !== undefined && { sentinelUsername: username }),
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
}

function placeOf(
  { path, host, port, tls: secure }: Address,
  tls: ConnectionOptions | undefined,
): RedisOptions {
  return {
    ...(path === undefined ? { host: host ?? 'localhost', port: port ?? 6379 } : { path }),
    ...(secure && { tls: { ...tls } }),
  };
}
