/**
 * A connection between a client and a node: two directions, each in order, over a link that may be slow or cut.
 *
 * Guarantees: as TCP does, what is sent arrives in order and once, however long the link was cut meanwhile, or the
 * connection ends. Two connections know nothing of each other's order.
 */
import type { Random } from '@holdfast/kernel';
import type { Scheduler } from './scheduler.js';

/** How a link between one client and one node is now. */
export interface Link {
  /** Added to the latency of each message, in microseconds. */
  lag: number;
  /** What does not get through: from the client, to the client. */
  readonly cut: { up: boolean; down: boolean };
}

/** What every link of a run is like, in microseconds. */
interface Latency {
  readonly base: number;
  /** The mean of what chance adds. */
  readonly jitter: number;
}

export interface WireOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly latency: Latency;
}

/** One direction. */
class Wire {
  readonly #options: WireOptions;
  readonly #link: Link;
  readonly #direction: 'up' | 'down';
  #arrival = 0;
  #stalledUntil = 0;
  #held: (() => void)[] = [];

  constructor(options: WireOptions, link: Link, direction: 'up' | 'down') {
    this.#options = options;
    this.#link = link;
    this.#direction = direction;
  }

  /** Delivers at some time after `time`. */
  send(time: number, deliver: () => void): void {
    const { scheduler, random, latency } = this.#options;
    const chance = -Math.log(1 - random.unit()) * latency.jitter;
    const arrival = Math.round(time + latency.base + chance + this.#link.lag);
    this.#arrival = Math.max(arrival, this.#arrival);
    scheduler.at(this.#arrival, () => this.#arrive(deliver));
  }

  #arrive(deliver: () => void): void {
    const { scheduler } = this.#options;
    if (scheduler.now < this.#stalledUntil) scheduler.at(this.#stalledUntil, () => this.#arrive(deliver));
    else if (this.#link.cut[this.#direction] || this.#held.length > 0) this.#held.push(deliver);
    else deliver();
  }

  /** Sends again what the cut has held up. */
  heal(): void {
    const held = this.#held.splice(0);
    const { scheduler, latency } = this.#options;
    for (const deliver of held) {
      this.#arrival = Math.max(this.#arrival, scheduler.now + latency.base);
      scheduler.at(this.#arrival, () => this.#arrive(deliver));
    }
  }

  /** Delivers nothing before `time`. */
  stall(time: number): void {
    this.#stalledUntil = time;
  }

  /** What did not arrive is lost. */
  drop(): void {
    this.#held = [];
  }
}

/** What a client sees of a connection. */
export interface ClientEnd {
  onMessage(channel: string, message: string): void;
  onClose(reason: string): void;
}

/** What a node sees of a connection. */
export interface NodeEnd {
  receive(connection: Connection, command: Command): void;
  forget(connection: Connection): void;
}

export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** Called at the node, with what goes back. */
  answer(reply: unknown, error?: Error): void;
}

export class Connection {
  readonly link: Link;
  /** The channels to which it has subscribed at the node. */
  readonly channels = new Set<string>();
  readonly #up: Wire;
  readonly #down: Wire;
  readonly #client: ClientEnd;
  readonly #node: NodeEnd;
  readonly #scheduler: Scheduler;
  #clientOpen = true;
  #nodeOpen = true;

  constructor(options: WireOptions, link: Link, ends: { client: ClientEnd; node: NodeEnd }) {
    this.link = link;
    this.#scheduler = options.scheduler;
    this.#up = new Wire(options, link, 'up');
    this.#down = new Wire(options, link, 'down');
    this.#client = ends.client;
    this.#node = ends.node;
  }

  /** Whether either end still believes in it. */
  get isAlive(): boolean {
    return this.#clientOpen || this.#nodeOpen;
  }

  /** From the client, at `time`. The answer arrives unless the connection ends first. */
  send(time: number, command: { name: string; args: readonly string[] }, settle: Settle): void {
    const answer = (reply: unknown, error?: Error): void =>
      this.fromNode(() => settle(reply as never, error));
    this.#up.send(time, () => {
      if (this.#nodeOpen) this.#node.receive(this, { ...command, answer });
      else this.#down.send(this.#scheduler.now, () => this.#lose('read ECONNRESET'));
    });
  }

  publish(channel: string, message: string): void {
    this.fromNode(() => this.#client.onMessage(channel, message));
  }

  /** Sends from the node, now. */
  fromNode(deliver: () => void): void {
    if (!this.#nodeOpen) return;
    this.#down.send(this.#scheduler.now, () => this.#clientOpen && deliver());
  }

  /** The client's end closes, as when its process dies; the node learns it when the link lets it through. */
  closeAtClient(time: number): void {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#down.drop();
    this.#up.send(time, () => this.#forget());
  }

  /** The node's end closes, as when its process dies; the client learns it when the link lets it through. */
  closeAtNode(reason: string): void {
    if (!this.#nodeOpen) return;
    this.#down.send(this.#scheduler.now, () => this.#lose(reason));
    this.#forget();
  }

  /**
   * The connection breaks, as when something between forgets it. What is under way to the node arrives `lateness`
   * microseconds later, perhaps behind what a later connection brings; or, without, it is lost.
   */
  break(lateness: number | undefined): void {
    if (lateness === undefined) this.#forget();
    else {
      const { now } = this.#scheduler;
      this.#up.stall(now + lateness);
      // Behind the last that was under way.
      this.#up.send(now, () => this.#forget());
    }
    this.#lose('read ECONNRESET');
  }

  heal(): void {
    this.#up.heal();
    this.#down.heal();
  }

  #lose(reason: string): void {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#client.onClose(reason);
  }

  #forget(): void {
    if (!this.#nodeOpen) return;
    this.#nodeOpen = false;
    this.#up.drop();
    this.#node.forget(this);
  }
}

export type Settle = (reply: never, error?: Error) => void;
