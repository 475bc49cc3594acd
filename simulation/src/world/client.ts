/**
 * A client of a simulated node in the shape of ioredis, so that the shipped adapter stands on it: it connects,
 * reconnects, subscribes, and loses what is under way when its connection ends.
 *
 * Guarantees: commands reach the node in order while one connection lasts. With `resends`, as is ioredis's default, what
 * was not answered is sent again on the next connection, and may so be carried out twice.
 */
import { errorMonitor } from 'node:events';
import type { Reply } from '../redis/index.js';
import {
  type ClientEnd,
  type Connection,
  type Link,
  Connection as Wired,
  type WireOptions,
} from './connection.js';
import type { Machine } from './machine.js';
import type { SimulatedNode } from './node.js';

export interface ClientOptions extends WireOptions {
  readonly machine: Machine;
  readonly node: SimulatedNode;
  readonly link: Link;
  readonly resends: boolean;
  /** Told of each connection that begins, so that the link's ends can be found. */
  readonly onConnection: (connection: Connection) => void;
  /** Told of the client and its duplicates, so that they die with their process. */
  readonly onClient: (client: SimulatedClient) => void;
}

interface Pending {
  readonly name: string;
  readonly args: readonly string[];
  readonly resolve: (reply: never) => void;
  readonly reject: (error: Error) => void;
}

function toBuffers(reply: Reply): unknown {
  if (typeof reply === 'string') return Buffer.from(reply, 'latin1');
  return Array.isArray(reply) ? reply.map(toBuffers) : reply;
}

type Handler = (...values: never[]) => void;

/** How long the kernel tries to reach a node that does not answer, in ms. */
const CONNECT_TIMEOUT = 2_000;

export class SimulatedClient {
  status = 'wait';
  readonly options: {
    readonly host: string;
    readonly port: number;
    readonly autoResendUnfulfilledCommands: boolean;
  };
  readonly #with: ClientOptions;
  readonly #handlers = new Map<string | symbol, { readonly handler: Handler; readonly once: boolean }[]>();
  #connection: Connection | undefined;
  #pending = new Set<Pending>();
  #tries = 0;
  /** Increases with each try to connect, so that an old one that succeeds late is not taken for the present one. */
  #attempt = 0;

  constructor(options: ClientOptions) {
    this.#with = options;
    options.onClient(this);
    this.options = {
      host: options.node.name,
      port: 6379,
      autoResendUnfulfilledCommands: options.resends,
    };
  }

  on(event: string | symbol, handler: Handler): this {
    this.#handle(event, handler, false);
    return this;
  }

  off(event: string | symbol, handler: Handler): this {
    const handlers = this.#handlers.get(event) ?? [];
    this.#handlers.set(
      event,
      handlers.filter((each) => each.handler !== handler),
    );
    return this;
  }

  once(event: string, handler: Handler): this {
    this.#handle(event, handler, true);
    return this;
  }

  duplicate(): SimulatedClient {
    return new SimulatedClient({ ...this.#with, resends: false });
  }

  connect(): Promise<void> {
    return new Promise((resolve) => {
      this.once('ready', () => resolve());
      this.once('error', () => resolve());
      this.once('end', () => resolve());
      this.#connect();
    });
  }

  call(command: string, args: readonly string[]): Promise<never> {
    return new Promise((resolve, reject) => {
      if (this.status !== 'ready') reject(new Error("Stream isn't writeable"));
      else this.#send({ name: command, args, resolve, reject });
    });
  }

  /** The model's texts have one character a byte. */
  async callBuffer(command: string, args: readonly (string | Buffer)[]): Promise<unknown> {
    const bytes = args.map((argument) => Buffer.from(argument).toString('latin1'));
    return toBuffers(await this.call(command, bytes));
  }

  subscribe(channel: string): Promise<never> {
    return this.call('SUBSCRIBE', [channel]);
  }

  disconnect(reconnect = false): void {
    const connection = this.#connection;
    this.#attempt += 1;
    this.#connection = undefined;
    connection?.closeAtClient(this.#with.machine.time);
    this.#rejectAll('Connection is closed.');
    if (reconnect) this.#connect();
    else this.#become('end');
  }

  /** The process is gone, and its kernel closes the connection. */
  die(): void {
    this.#attempt += 1;
    this.#connection?.closeAtClient(this.#with.scheduler.now);
    this.#connection = undefined;
  }

  #connect(): void {
    const { machine, scheduler, node, link, onConnection } = this.#with;
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.status = 'connecting';
    const ends: ClientEnd = {
      onMessage: (channel, message) => machine.input(() => this.#emit('message', channel, message)),
      onClose: (reason) => machine.input(() => attempt === this.#attempt && this.#onClose(reason)),
    };
    const connection = new Wired(this.#with, link, { client: ends, node });
    const fail = (reason: string): void =>
      machine.input(() => attempt === this.#attempt && this.#onClose(reason));
    const timeout = machine.clock.after(CONNECT_TIMEOUT, () => {
      connection.closeAtClient(machine.time);
      fail('connect ETIMEDOUT');
    });
    // The first answer says that the server is there and has loaded its data.
    scheduler.at(machine.time + this.#with.latency.base, () => {
      if (link.cut.up || link.cut.down) return;
      timeout.cancel();
      if (!node.isUp) return fail('connect ECONNREFUSED');
      node.accept(connection);
      onConnection(connection);
      connection.send(scheduler.now, { name: 'PING', args: [] }, () =>
        machine.input(() => attempt === this.#attempt && this.#onReady(connection)),
      );
    });
  }

  #onReady(connection: Connection): void {
    this.#connection = connection;
    this.#tries = 0;
    const unanswered = [...this.#pending];
    this.#pending = new Set();
    this.#become('ready');
    for (const command of unanswered) this.#send(command);
  }

  #onClose(reason: string): void {
    const { machine, resends } = this.#with;
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#connection = undefined;
    if (!resends) this.#rejectAll('Connection is closed.');
    this.status = 'reconnecting';
    if (reason.startsWith('connect')) this.#emit('error', new Error(`${reason} ${this.options.host}:6379`));
    const delay = Math.min(50 * 2 ** Math.min(this.#tries, 10), 1_000);
    this.#tries += 1;
    machine.clock.after(delay, () => attempt === this.#attempt && this.#connect());
  }

  #send(command: Pending): void {
    const { machine } = this.#with;
    const connection = this.#connection;
    this.#pending.add(command);
    connection?.send(machine.time, command, (reply, error) =>
      machine.input(() => {
        if (!this.#pending.delete(command)) return;
        if (error) command.reject(error);
        else command.resolve(reply);
      }),
    );
  }

  #rejectAll(reason: string): void {
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const { reject } of pending) reject(new Error(reason));
  }

  #become(status: 'ready' | 'end'): void {
    this.status = status;
    this.#emit(status);
  }

  #emit(event: string | symbol, ...values: unknown[]): void {
    if (event === 'error') this.#emit(errorMonitor, ...values);
    const handlers = this.#handlers.get(event) ?? [];
    this.#handlers.set(
      event,
      handlers.filter(({ once }) => !once),
    );
    for (const { handler } of handlers) handler(...(values as never[]));
  }

  #handle(event: string | symbol, handler: Handler, once: boolean): void {
    const handlers = this.#handlers.get(event) ?? [];
    handlers.push({ handler, once });
    this.#handlers.set(event, handlers);
  }
}
