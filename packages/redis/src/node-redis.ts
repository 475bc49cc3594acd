/**
 * @holdfast/redis/node-redis: the port on node-redis, for a client that the user has and for connections of our own.
 *
 * Guarantees: a client that was passed in is never closed, and is left as it was. Our own connections reconnect for as
 * long as they are open, and never queue a command while away.
 */
import type { ConnectionOptions } from 'node:tls';
import type { Address } from './address.js';
import {
  type BinaryReply,
  type Connection,
  forClient,
  isRefusal,
  type Listener,
  type Reply,
  reasonOf,
} from './connection.js';
import { type Emitter, Watch } from './overhear.js';

/** The part of a node-redis client that Holdfast uses: versions 5 and 6 have it. */
export interface NodeRedisClient extends Emitter {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly options?: unknown;
  duplicate(): unknown;
  sendCommand(command: (string | Buffer)[], options?: object): Promise<unknown>;
}

interface ClientOptions {
  readonly url?: string;
  readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
}

/** A connection over a client that the user connects, keeps and closes. */
export function fromNodeRedis(client: NodeRedisClient): Connection {
  const watch = new Watch(client);
  return {
    address: addressOf((client.options ?? {}) as ClientOptions),
    get unready() {
      if (client.isReady) return undefined;
      if (!client.isOpen) return 'the node-redis client is not open: await client.connect() first';
      return `the node-redis client is not connected${watch.last && `: ${watch.last}`}`;
    },
    async open() {
      watch.start();
      if (client.isReady || !client.isOpen) return;
      await watch.tried();
    },
    send: (command, args) => client.sendCommand([command, ...args]) as Promise<Reply>,
    sendBinary: (command, args) =>
      client.sendCommand([command, ...args.map(forClient)], BINARY) as Promise<BinaryReply>,
    listen: (channel, listener) => listenWith(client, channel, listener),
    restart() {},
    close: () => watch.stop(),
  };
}

/** Asks for texts as bytes, by the first byte of RESP's types: bulk, simple and verbatim strings. */
const BINARY = { typeMapping: { 36: Buffer, 43: Buffer, 61: Buffer } };

/** A connection of our own to the same server, with the user's settings. */
export function likeNodeRedis(client: NodeRedisClient): Connection {
  const own = client.duplicate() as NodeRedisClient & { connect(): Promise<unknown>; destroy(): void };
  const connection = fromNodeRedis(own);
  own.on('error', () => {}); // the connection reports it
  let closed = false;
  const start = (): void => void own.connect().catch(() => {}); // the library retries on its own
  return {
    address: connection.address,
    get unready() {
      return connection.unready;
    },
    async open() {
      if (closed) return;
      start();
      await connection.open();
    },
    send: (command, args) => connection.send(command, args),
    sendBinary: (command, args) => connection.sendBinary(command, args),
    listen: (channel, listener) => connection.listen(channel, listener),
    restart() {
      if (closed) return;
      if (own.isOpen) own.destroy();
      start();
    },
    close() {
      closed = true;
      connection.close();
      if (own.isOpen) own.destroy();
    },
  };
}

/** A subscriber, in the terms of the library: a connection that does nothing else. */
interface Subscriber {
  on(event: 'error' | 'ready', listener: () => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, onMessage: (message: string) => void): Promise<unknown>;
  readonly isOpen: boolean;
  destroy(): void;
}

function listenWith(client: NodeRedisClient, channel: string, listener: Listener): { close(): void } {
  const subscriber = client.duplicate() as Subscriber;
  let subscribed = false;
  subscriber.on('error', () => {}); // it tries again, and the listener has other means meanwhile
  subscriber.on('ready', () => {
    if (subscribed) listener.onListening(); // the library has subscribed again
  });
  subscriber
    .connect()
    .then(() => subscriber.subscribe(channel, (message) => listener.onMessage(message)))
    .then(() => {
      subscribed = true;
      listener.onListening();
    })
    .catch((error: unknown) => isRefusal(error) && listener.onRefused(reasonOf(error)));
  return {
    close() {
      if (subscriber.isOpen) subscriber.destroy();
    },
  };
}

function addressOf({ socket, url }: ClientOptions): string {
  if (socket?.path) return socket.path;
  if (socket?.host || socket?.port) return `${socket.host ?? 'localhost'}:${socket.port ?? 6379}`;
  return url && URL.canParse(url) ? new URL(url).host : 'localhost:6379';
}

/** A connection of our own. The client library is loaded when the connection opens. */
export function openNodeRedis(address: Address, tls?: ConnectionOptions): Connection {
  let connection: Connection | undefined;
  let destroy = (): void => {};
  let start = (): void => {};
  let closed = false;
  let last = '';
  return {
    address: address.display,
    get unready() {
      if (connection && connection.unready === undefined) return undefined;
      return last ? `not connected: ${last}` : 'not connected yet';
    },
    async open() {
      const { createClient } = await import('redis');
      if (closed || connection) return;
      const client = createClient({
        socket: socketOf(address, tls),
        ...(address.username !== undefined && { username: address.username }),
        ...(address.password !== undefined && { password: address.password }),
        database: address.database,
        disableOfflineQueue: true,
      });
      connection = fromNodeRedis(client as unknown as NodeRedisClient);
      destroy = () => client.destroy();
      await new Promise<void>((resolve) => {
        const onError = (error: unknown): void => {
          last = reasonOf(error, address.password);
          resolve();
        };
        client.once('ready', () => resolve());
        client.on('error', onError);
        start = () => void client.connect().catch(onError);
        start();
      });
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
    restart() {
      if (closed) return;
      destroy();
      start();
    },
    close() {
      closed = true;
      destroy();
    },
  };
}

function socketOf(address: Address, tls: ConnectionOptions | undefined) {
  const timing = {
    connectTimeout: 2_000,
    reconnectStrategy: (tries: number): number => Math.min(50 * 2 ** Math.min(tries, 10), 1_000),
  };
  if (address.path !== undefined) return { ...timing, path: address.path };
  const place = { host: address.host ?? 'localhost', port: address.port ?? 6379 };
  return address.tls ? { ...timing, ...tls, ...place, tls: true as const } : { ...timing, ...place };
}
