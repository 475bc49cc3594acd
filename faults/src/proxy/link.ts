/**
 * One link between a client and a server: a port that passes every byte on, until it is told to do otherwise.
 *
 * Each direction has its own state. Guarantees: bytes keep their order. What is held arrives when the link is healed,
 * late, as after a network's recovery. What is dropped is gone, and so is, at the healing, every connection that lost
 * something; until then neither end is told anything, not even that the other has closed: the connection is half-open.
 */
import { createServer, type Server, Socket } from 'node:net';
import { systemClock, type Timer } from '@holdfast/kernel';

/** The treatment of the bytes of one direction. If nothing is set, they pass. */
interface Flow {
  /** Delivered so much later, in ms. */
  readonly delay?: number;
  /** At most so many bytes a second. */
  readonly rate?: number;
  /** Kept until the healing, or thrown away. */
  readonly blocked?: 'held' | 'dropped';
}

export interface LinkState {
  readonly toServer?: Flow;
  readonly toClient?: Flow;
  /** Connections are reset, and new ones too. */
  readonly refused?: boolean;
}

export class Link {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #target: number;
  #state: LinkState = {};

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Listens on a free port of the loopback address, for connections to `target` there. */
  static open(target: number): Promise<Link> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(new Link(server, typeof address === 'object' ? (address?.port ?? 0) : 0, target));
      });
    });
  }

  /** New connections go to this port from now on. */
  aim(target: number): void {
    this.#target = target;
  }

  set(state: LinkState): void {
    this.#state = state;
    if (state.refused) this.cut();
    for (const pair of this.#pairs) pair.set(state);
  }

  heal(): void {
    this.set({});
  }

  /** Resets every connection (RST), at both ends. */
  cut(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #accept(client: Socket): void {
    if (this.#state.refused) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const pair = new Pair(client, this.#target, this.#state, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
  }
}

/** The two sockets of one connection through a link. */
class Pair {
  readonly #client: Socket;
  readonly #target: number;
  readonly #onEnd: () => void;
  readonly #toServer: Pipe;
  readonly #toClient: Pipe;
  readonly #upstream = new Socket({ allowHalfOpen: true });
  #dialled = false;

  constructor(client: Socket, target: number, state: LinkState, onEnd: () => void) {
    this.#client = client;
    this.#target = target;
    this.#onEnd = onEnd;
    this.#upstream.setNoDelay(true);
    for (const [socket, other] of [
      [client, this.#upstream],
      [this.#upstream, client],
    ] as const) {
      socket.on('close', () => other.destroyed && onEnd());
    }
    const reset = (): void => this.reset();
    this.#toServer = new Pipe(client, this.#upstream, reset);
    this.#toClient = new Pipe(this.#upstream, client, reset);
    this.set(state);
  }

  set({ toServer = {}, toClient = {} }: LinkState): void {
    const torn = [this.#toServer.set(toServer), this.#toClient.set(toClient)];
    if (torn.includes(true)) this.reset();
    // Behind a blocked way to the server, nobody there learns of the connection.
    if (this.#dialled || toServer.blocked || this.#upstream.destroyed) return;
    this.#dialled = true;
    this.#upstream.connect(this.#target, '127.0.0.1');
  }

  reset(): void {
    this.#onEnd();
    this.#toServer.end();
    this.#toClient.end();
    for (const socket of [this.#client, this.#upstream]) {
      // A socket that was shut down cannot be reset any more.
      if (socket.connecting || socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}

/** One direction: a queue between two sockets. The end of the stream is an item like any other. */
class Pipe {
  readonly #to: Socket;
  readonly #reset: () => void;
  readonly #queue: { readonly item: Buffer | 'end' | 'reset'; readonly due: number }[] = [];
  #flow: Flow = {};
  #lossy = false;
  #free = 0;
  #timer: Timer | undefined;
  #over = false;

  constructor(from: Socket, to: Socket, reset: () => void) {
    this.#to = to;
    this.#reset = reset;
    from.on('data', (chunk: Buffer) => this.#push(chunk));
    from.on('end', () => this.#push('end'));
    from.on('error', () => this.#push('reset'));
  }

  /** Whether the connection must be cut, because bytes are missing that were to pass before. */
  set(flow: Flow): boolean {
    const torn = this.#lossy && flow.blocked !== 'dropped';
    this.#flow = flow;
    this.#pump();
    return torn;
  }

  end(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #push(item: Buffer | 'end' | 'reset'): void {
    if (this.#over) return;
    if (this.#flow.blocked === 'dropped') {
      this.#lossy = true;
      return;
    }
    this.#queue.push({ item, due: systemClock.now() + (this.#flow.delay ?? 0) });
    this.#pump();
  }

  #pump(): void {
    this.#timer?.cancel();
    while (!this.#over && this.#flow.blocked === undefined) {
      const next = this.#queue[0];
      if (!next) return;
      const wait = Math.max(next.due, this.#free) - systemClock.now();
      if (wait > 0) {
        this.#timer = systemClock.after(wait, () => this.#pump());
        return;
      }
      this.#queue.shift();
      this.#deliver(next.item);
    }
  }

  #deliver(item: Buffer | 'end' | 'reset'): void {
    if (item === 'reset') {
      this.#reset();
      return;
    }
    if (item === 'end') {
      this.#to.end();
      return;
    }
    const { rate } = this.#flow;
    if (rate) this.#free = systemClock.now() + (item.length / rate) * 1_000;
    this.#to.write(item);
  }
}
