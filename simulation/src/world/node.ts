/**
 * A simulated Redis node: a server model with the shipped scripts, one command after the other, which can freeze, crash
 * and come back with all, some or nothing of what it knew.
 *
 * Guarantees: what a command does, it does at one moment. A frozen node takes connections and commands, as its kernel
 * would, and carries them out when it goes on.
 */
import type { Random } from '@holdfast/kernel';
import { ModelServer, type Snapshot } from '../redis/index.js';
import type { Command, Connection, NodeEnd } from './connection.js';
import { BEGINNING, type ClockSettings } from './machine.js';
import type { Scheduler } from './scheduler.js';

/** What a node remembers of its data after a crash. */
export type Memory = 'all' | 'some' | 'none';

/** What a command keeps the server busy for, in microseconds. */
const SERVICE = 40;

export interface NodeOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clock: ClockSettings;
  readonly name: string;
  readonly failsOver?: boolean | undefined;
  /** Told of each message that is published, and how many hear it. */
  readonly onPublish?: (node: SimulatedNode, message: string, heard: number) => void;
  /** Told after each command. */
  readonly onCommand?: (node: SimulatedNode, command: Command, reply: unknown) => void;
}

interface Waiting {
  readonly connection: Connection;
  readonly command: Command;
}

export class SimulatedNode implements NodeEnd {
  readonly name: string;
  readonly server: ModelServer;
  isUp = true;
  /** Further microseconds that each command takes. */
  slowness = 0;
  /** Ahead of true time, in microseconds. */
  ahead: number;
  readonly #options: NodeOptions;
  readonly #connections = new Set<Connection>();
  #frozen = false;
  /** When the server has done what it is doing, in microseconds. */
  #busyUntil = 0;
  #willWork = false;
  #waiting: Waiting[] = [];
  /** Reads that wait for what is to come. */
  readonly #blocked = new Set<Waiting>();
  /** What it would have done while it was frozen. */
  #overdue: (() => void)[] = [];
  /** What is on its disk. */
  #saved: Snapshot | undefined;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.ahead = options.clock.ahead;
    const { random, failsOver } = options;
    this.server = new ModelServer({
      failsOver,
      time: () => this.time(),
      name: () => Array.from({ length: 40 }, () => Math.floor(random.unit() * 16).toString(16)).join(''),
      publish: (channel, message) => this.#publish(channel, message),
      listening: (channel) => this.#listening(channel),
    });
  }

  /** What its clock shows, in microseconds since 1970. */
  time(): number {
    return BEGINNING + Math.floor(this.#options.scheduler.now * this.#options.clock.rate + this.ahead);
  }

  get isFrozen(): boolean {
    return this.#frozen;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  accept(connection: Connection): void {
    this.#connections.add(connection);
  }

  receive(connection: Connection, command: Command): void {
    this.#waiting.push({ connection, command });
    this.#work();
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const task of this.#overdue.splice(0)) task();
    this.#work();
  }

  /** Writes to its disk what a crash from now on leaves. */
  save(): void {
    if (this.isUp) this.#saved = this.server.snapshot();
  }

  crash(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.#busyUntil = 0;
    this.#waiting = [];
    this.#blocked.clear();
    this.#overdue = [];
    this.#atCrash = this.server.snapshot();
    for (const connection of [...this.#connections]) connection.closeAtNode('Connection is closed.');
  }

  #atCrash: Snapshot | undefined;

  restart(memory: Memory): void {
    if (this.isUp) return;
    const kept = { all: this.#atCrash, some: this.#saved, none: undefined };
    this.server.restart(kept[memory]);
    this.isUp = true;
    this.#frozen = false;
  }

  /** Carries out what waits, one command after the other, for as long as it is this node's turn. */
  #work(): void {
    const { scheduler, onCommand } = this.#options;
    if (this.#frozen || !this.isUp || this.#waiting.length === 0) return;
    if (this.#busyUntil > scheduler.now) {
      this.#workLater();
      return;
    }
    const next = this.#waiting.shift() as Waiting;
    this.#busyUntil = scheduler.now + SERVICE + this.slowness;
    // A client that went away is not asked whether it still wants what it has sent.
    const reply = this.#carryOut(next);
    onCommand?.(this, next.command, reply);
    for (const blocked of [...this.#blocked]) this.#serve(blocked);
    if (this.#waiting.length > 0) this.#workLater();
  }

  #workLater(): void {
    if (this.#willWork) return;
    this.#willWork = true;
    this.#options.scheduler.at(this.#busyUntil, () => {
      this.#willWork = false;
      this.#work();
    });
  }

  #carryOut(waiting: Waiting): unknown {
    const { connection, command } = waiting;
    const { name, args } = command;
    try {
      const longest = longestOf(command);
      if (longest !== undefined) return this.#waits(waiting, longest);
      const reply =
        name === 'SUBSCRIBE' ? this.#subscribe(connection, args) : this.server.execute(name, args);
      command.answer(reply);
      return reply;
    } catch (error) {
      command.answer(undefined, error as Error);
      return error;
    }
  }

  /** Answers at once, or when there is something, or after so many ms. */
  #waits(waiting: Waiting, longest: number): unknown {
    const { command } = waiting;
    const reply = this.server.execute(command.name, command.args);
    if (reply !== null) {
      command.answer(reply);
      return reply;
    }
    this.#blocked.add(waiting);
    this.#options.scheduler.after(longest * 1_000, () => {
      if (this.#blocked.delete(waiting)) this.#whenThawed(() => command.answer(null));
    });
    return undefined;
  }

  #whenThawed(task: () => void): void {
    if (this.#frozen) this.#overdue.push(task);
    else task();
  }

  #serve(waiting: Waiting): void {
    const { connection, command } = waiting;
    if (!this.#connections.has(connection)) {
      this.#blocked.delete(waiting);
      return;
    }
    const reply = this.server.execute(command.name, command.args);
    if (reply === null) return;
    this.#blocked.delete(waiting);
    command.answer(reply);
  }

  #subscribe(connection: Connection, channels: readonly string[]): number {
    for (const channel of channels) connection.channels.add(channel);
    return channels.length;
  }

  #listening(channel: string): number {
    return [...this.#connections].filter(({ channels }) => channels.has(channel)).length;
  }

  #publish(channel: string, message: string): number {
    let heard = 0;
    for (const connection of this.#connections) {
      if (!connection.channels.has(channel)) continue;
      heard += 1;
      connection.publish(channel, message);
    }
    this.#options.onPublish?.(this, message, heard);
    return heard;
  }
}

/** For how many ms a command waits for something to answer; undefined for one that does not. */
function longestOf({ name, args }: Command): number | undefined {
  if (name === 'BLPOP') return Number(args.at(-1)) * 1_000;
  const place = name === 'XREAD' ? args.findIndex((word) => word.toUpperCase() === 'BLOCK') : -1;
  return place < 0 ? undefined : Number(args[place + 1]);
}
