/**
 * Who sees everything that happens to the tasks of a queue: at the server, where tasks are added, delivered and ended, and
 * in the handlers, where somebody relies on a delivery.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises. A delivery counts as valid for as long as its worker
 * may rely on it (`task.lease.remaining()`), read at the world's time.
 */
import type { Task } from '@holdfast/queue';
import type { Violation } from '../checks/oracle.js';
import type { Reply } from '../redis/index.js';
import type { Command } from '../world/connection.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { type Call, Calls } from './calls.js';
import type { QueuePlan } from './plan.js';

/** The keys of the queue that is simulated. */
export const key = (name: string): string => `{queue:q}:${name}`;

/** Where each completion leaves a mark, by id, in the script that completes the task. */
export const EFFECTS = '{queue:q}:effects';

type Begun = Task<{ name: string }>;

interface Held {
  readonly task: Begun;
  readonly machine: Machine;
}

/** A task that the server has added. */
interface Added {
  readonly id: string;
  /** Microseconds of true time. */
  readonly at: number;
  /** Whether it stands in the line of its key from then on. */
  readonly key: string | undefined;
}

export class QueueOracle {
  readonly violations: Violation[] = [];
  deliveries = 0;
  /** True time at which each task began first, in ms, by name. */
  readonly began = new Map<string, number>();
  readonly #world: World<QueuePlan>;
  readonly #plan: QueuePlan;
  readonly #calls = new Calls();
  readonly #held = new Set<Held>();
  readonly #ended = new WeakSet<Begun>();
  readonly #added = new Map<string, Added>();
  readonly #lines = new Map<string, string[]>();
  readonly #acknowledged = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #tokens = new Map<string, number>();
  #highest = 0;
  /** True time since which the server has forgotten nothing, in microseconds. */
  #remembersSince = -1;

  constructor(world: World<QueuePlan>, plan: QueuePlan) {
    this.#world = world;
    this.#plan = plan;
  }

  get #now(): number {
    return this.#world.scheduler.now;
  }

  violate(rule: string, message: string): void {
    this.#world.note('VIOLATION', `${rule}: ${message}`);
    this.violations.push({ rule, message });
  }

  /** The server is about to forget, or to come back without what it knew last. */
  forgets(): void {
    this.#remembersSince = this.#now;
    this.#lines.clear();
  }

  /** The server has carried out a command. */
  look(command: Command, reply: unknown): void {
    const call = this.#calls.read(command);
    if (call === undefined || !Array.isArray(reply)) {
      if (call?.verb === 'add' && typeof reply === 'string') this.#addedPlain(call, reply);
      return;
    }
    if (call.verb === 'put') this.#put(call, reply as string[]);
    if (call.verb === 'work' && reply[0] === 'worked') this.#delivered(reply as readonly Reply[]);
  }

  /** A producer was told that the task is added. */
  acknowledged(name: string): void {
    this.#acknowledged.add(name);
    const added = this.#added.get(name);
    if (added === undefined) this.violate('acknowledged add', `${name} was acknowledged but never added`);
  }

  /** Somebody has asked for the task to be removed; perhaps it was. */
  mayBeRemoved(id: string): void {
    this.#removed.add(id);
  }

  /** A handler begins. */
  begins(task: Begun, machine: Machine): void {
    this.deliveries += 1;
    const held = { task, machine };
    machine.whenReal(() => {
      if (!this.began.has(task.data.name)) this.began.set(task.data.name, this.#now / 1_000);
      // Its process may have been paused in the turn in which it both began and ended.
      if (!machine.alive || this.#ended.has(task)) return;
      this.#held.add(held);
      this.#judge(held);
    });
  }

  /** A handler has ended. */
  ends(task: Begun): void {
    this.#ended.add(task);
    for (const held of this.#held) if (held.task === task) this.#held.delete(held);
  }

  /** The process is gone. */
  died(machine: Machine): void {
    for (const held of this.#held) if (held.machine === machine) this.#held.delete(held);
  }

  #addedPlain({ args }: Call, reply: string): void {
    const ids = reply.split(' ').slice(1);
    for (const [index, id] of ids.entries()) {
      const { name } = JSON.parse(args[3 * index + 1] ?? '') as { name: string };
      this.#added.set(name, { id, at: this.#now, key: undefined });
    }
  }

  #put({ args }: Call, reply: readonly string[]): void {
    for (let index = 0; index * 11 < args.length; index += 1) {
      const [, , lineKey = '', delay, body = ''] = args.slice(11 * index);
      const [word, id = ''] = reply.slice(2 * index + 1);
      const { name } = (JSON.parse(body) as { d: { name: string } }).d;
      if (word === 'added' || !this.#added.has(name)) {
        const inLine = lineKey !== '' && Number(delay) === 0;
        this.#added.set(name, { id, at: this.#now, key: inLine ? lineKey : undefined });
        if (inLine && word === 'added') this.#lines.set(lineKey, [...(this.#lines.get(lineKey) ?? []), id]);
      }
    }
  }

  /** Tokens are judged where they are issued: a worker may begin late. */
  #delivered(reply: readonly Reply[]): void {
    const token = Number(reply[1]);
    for (let place = 9; place < reply.length; place += 2) {
      const level = Number(reply[place]);
      for (const [entry, fields] of reply[place + 1] as unknown as [string, string[]][]) {
        const plain = level === 0 ? entry : `${entry}:${level}`;
        const id = fields[0] === 'd' ? plain : (fields[1] ?? '');
        const before = this.#tokens.get(id) ?? 0;
        if (token <= before || token <= this.#highest) {
          const last = Math.max(before, this.#highest);
          this.violate('token order', `${id} was delivered under ${token} after ${last}`);
        }
        this.#tokens.set(id, token);
      }
    }
    this.#highest = Math.max(this.#highest, token);
  }

  #judge(held: Held): void {
    const { task, machine } = held;
    // A server that forgets deliveries, or whose clock jumps, gives tasks to others too early: tokens, which guards check,
    // are in order all the same.
    if (task.lease.remaining() === 0 || this.#remembersSince >= 0 || this.#plan.clocksJump) return;
    const { concurrency, slots } = this.#plan.queue;
    const who = `${machine.name} began ${task.id} under ${task.token}`;
    let [valid, ofKey] = [0, 0];
    for (const other of this.#held) {
      const isValid = other.task.lease.remaining() > 0;
      if (isValid) valid += 1;
      if (isValid && task.key !== undefined && other.task.key === task.key) ofKey += 1;
      if (other === held || other.task.id !== task.id) continue;
      const whose = `that of ${other.machine.name} under ${other.task.token}`;
      if (isValid) this.violate('mutual exclusion', `${who} while ${whose} was valid`);
      else if (!other.task.signal.aborted && other.machine.isPunctual)
        this.violate('signal', `${who}, but the signal of ${whose} had not aborted`);
    }
    if (concurrency !== undefined && valid > concurrency)
      this.violate('concurrency', `${who} as one of ${valid}, but ${concurrency} are the most`);
    if (ofKey > slots) this.violate('concurrency of a key', `${who} as one of ${ofKey} of its key`);
    this.#judgeOrder(task, who);
  }

  /** Those that came before it in the line of its key have ended. */
  #judgeOrder(task: Begun, who: string): void {
    const line = task.key === undefined ? undefined : this.#lines.get(task.key);
    const place = line?.indexOf(task.id) ?? -1;
    if (line === undefined || place < 0 || this.#plan.queue.slots > 1) return;
    const before = line
      .slice(0, place)
      .find((id) => this.#world.store.server.execute('HEXISTS', [key('tasks'), id]) === 1);
    if (before !== undefined)
      this.violate('order of a key', `${who} although ${before}, which came before it, has not ended`);
    this.#lines.set(task.key as string, line.slice(place));
  }

  /** When all has ended: each acknowledged task is completed once, under its last token, or a dead letter. */
  judgeEnds(): void {
    const { server } = this.#world.store;
    for (const [name, { id, at }] of this.#added) {
      const place = server.execute('HGET', [key('results'), id]);
      const isDead = server.execute('HEXISTS', [key('letters'), id]) === 1;
      const effects = Number(server.execute('HGET', [EFFECTS, id]) ?? 0);
      const isKept = at > this.#remembersSince && this.#acknowledged.has(name) && !this.#removed.has(id);
      if (place === null && !isDead && isKept)
        this.violate('lost task', `${name}, which is ${id}, was acknowledged, but has not ended`);
      if (place === null) continue;
      if (effects !== 1)
        this.violate('effects', `${id} has completed, and its effect is there ${effects} times`);
      const [event] = server.execute('XRANGE', [key('events'), String(place), String(place)]) as [
        [string, string[]],
      ];
      const token = Number(JSON.parse(event[1][3] ?? '0'));
      // A server that forgets may have forgotten the last delivery.
      if (this.#remembersSince < 0 && token !== this.#tokens.get(id))
        this.violate('stale completion', `${id} was completed under ${token}, not ${this.#tokens.get(id)}`);
    }
  }
}
