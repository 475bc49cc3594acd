/**
 * Who sees everything that happens to the tasks of a queue: at the server, where tasks are added, delivered and ended, and
 * in the handlers, where somebody relies on a delivery.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises. A delivery counts as valid for as long as its worker
 * may rely on it (`task.lease.remaining()`), read at the world's time.
 */
import type { Task, TaskOutcome } from '@holdfast/queue';
import type { Reply } from '../redis/index.js';
import { Calls } from '../run/calls.js';
import type { Judge, Violate, Violation } from '../run/part.js';
import type { Command } from '../world/connection.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { Breaks } from './breaks.js';
import { Changes } from './changes.js';
import { openedMessage, openedText } from './codec.js';
import { asPut, Holders } from './holders.js';
import { Latches } from './latches.js';
import { Lives } from './lives.js';
import { EFFECTS, isFollowUp, key } from './names.js';
import type { QueuePlan } from './plan.js';
import { Rates } from './rates.js';
import { Retention } from './retention.js';
import { Ticks } from './ticks.js';
import { Turns } from './turns.js';

/** The part of a task that is judged, whoever has it. */
export type Begun = Pick<Task<{ name: string }>, 'id' | 'key' | 'token' | 'data' | 'signal'> & {
  readonly lease: { remaining(): number };
};

interface Held {
  readonly task: Begun;
  readonly machine: Machine;
  /** When it began, in microseconds of true time. */
  readonly at: number;
}

export class QueueOracle implements Judge {
  readonly violations: Violation[] = [];
  deliveries = 0;
  /** True time at which each task began first, in ms, by name. */
  readonly began = new Map<string, number>();
  readonly holders: Holders;
  readonly latches: Latches;
  readonly #world: World<QueuePlan>;
  readonly #plan: QueuePlan;
  readonly #calls = new Calls();
  readonly #held = new Set<Held>();
  readonly #ended = new WeakSet<Begun>();
  readonly #changes: Changes;
  readonly #lives: Lives;
  readonly #breaks: Breaks;
  readonly #rates: Rates;
  readonly #retention: Retention;
  readonly #ticks: Ticks;
  readonly #turns: Turns;
  /** Sessions of remote programs that were given tasks: they are told of the same ones from then on. */
  readonly #given = new Set<string>();
  /** The highest token that was issued before the limits of the plan were declared; undefined until they are. */
  #unlimited: number | undefined;
  readonly #acknowledged = new Set<string>();
  readonly #tokens = new Map<string, number>();
  #highest = 0;
  /** True time since which the server has forgotten nothing, in microseconds. */
  #remembersSince = -1;

  constructor(world: World<QueuePlan>, plan: QueuePlan) {
    this.#world = world;
    this.#plan = plan;
    const violate: Violate = (rule, message) => this.violate(rule, message);
    this.holders = new Holders(world, violate);
    this.latches = new Latches(violate);
    this.#changes = new Changes(violate);
    this.#lives = new Lives(world, violate);
    this.#breaks = new Breaks(world, violate);
    this.#rates = new Rates(plan, violate);
    this.#retention = new Retention(world, violate);
    this.#ticks = new Ticks(world, plan, violate);
    this.#turns = new Turns(world, violate);
  }

  /** Whether all that users say is to be encoded. */
  get #isSecret(): boolean {
    return this.#plan.queue.codec?.given.every((at) => at !== null) ?? false;
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
    this.#changes.forgets();
    this.latches.forgets();
    this.#lives.forgets();
    this.#retention.forgets();
    this.#turns.forgets();
    this.#breaks.forgets();
  }

  /** The server has carried out a command. */
  look(command: Command, reply: unknown): void {
    const sent = this.#calls.read(command);
    if (this.#isSecret && sent?.args.some((text) => READABLE.test(text)))
      this.violate(
        'codec',
        `${sent.verb} carries what is to be encoded: ${sent.args.find((text) => READABLE.test(text))}`,
      );
    if (sent !== undefined && Array.isArray(reply)) this.holders.look(sent, reply as string[]);
    const call = sent && asPut(sent);
    if (call === undefined || !Array.isArray(reply)) {
      if (call?.verb === 'add' && typeof reply === 'string') this.#lives.plain(call, reply);
      return;
    }
    const isTold = call.verb === 'fetch' && this.#given.has(call.args[0] ?? '');
    this.#lives.look(call, reply as string[]);
    this.#turns.look(call, reply as string[]);
    if (!isTold) this.#breaks.look(call, reply as readonly Reply[]);
    this.#changes.look(call, reply as string[]);
    if (reply[0] === 'obliterated') this.forgets();
    if (this.#remembersSince < 0 && !this.#plan.clocksJump) this.#ticks.look(call, reply as string[]);
    if (['work', 'renew', 'finish'].includes(call.verb)) this.#retention.look();
    if (call.verb === 'enter') this.#judgeLimits();
    if (call.verb === 'finish' && reply[0] === 'finished') this.#noteEffect(call.args);
    const [session = '', , , issues] = call.args;
    const delivers = call.verb === 'work' || (call.verb === 'fetch' && issues === '1');
    if (delivers && reply[0] === 'worked') this.#delivered(reply as readonly Reply[], isTold);
    if (call.verb === 'fetch' && reply.length > 8) this.#given.add(session);
  }

  /** Remote programs have no effects: the mark is made here, in the same moment. */
  #noteEffect([, priority, entry, ...outcome]: readonly string[]): void {
    const at = outcome.findIndex(
      (word, index) =>
        /^(done|recorded)$/.test(word) && outcome[index + 1] === priority && outcome[index + 2] === entry,
    );
    if (at < 0) return;
    const [id = '', result = ''] =
      outcome[at] === 'done'
        ? [priority === '0' ? entry : `${entry}:${priority}`, outcome[at + 3]]
        : [outcome[at + 3], outcome[at + 5]];
    // One that was not kept, because the codec has failed, says nothing.
    const kept = result.startsWith('!') ? undefined : (JSON.parse(openedText(result)) as { name: string });
    const name = kept?.name ?? this.#lives.nameOf(id) ?? '';
    const { server } = this.#world.store;
    const { isFull } = server;
    server.isFull = false; // as in a script that frees memory
    server.execute('HINCRBY', [EFFECTS, name === 'tick' ? id : name, '1']);
    server.isFull = isFull;
  }

  /** A producer was told that the task is there: it, or, where that is possible, another that is the same. */
  acknowledged(name: string, mayBeSame: boolean): void {
    const isAdded = this.#lives.of(name) !== undefined;
    if (isAdded) this.#acknowledged.add(name);
    else if (!mayBeSame) this.violate('acknowledged add', `${name} was acknowledged but never added`);
  }

  /** The handler of a follow-up has read how the others have ended. */
  gathers(task: Begun, outcomes: readonly TaskOutcome[]): void {
    if (task.lease.remaining() > 0) this.#lives.judgeGathered(task.id, outcomes);
  }

  /** Somebody has read an event after another. */
  reads(before: string, cursor: string): void {
    const isLater = before === '' || compareCursors(before, cursor) < 0;
    // A server that has forgotten the last numbers gives them again.
    if (!isLater && this.#remembersSince < 0)
      this.violate('order of events', `the event ${cursor} was read after ${before}`);
  }

  /** A handler begins. */
  begins(task: Begun, machine: Machine): void {
    if (typeof task.data?.name !== 'string')
      this.violate('codec', `${task.id} is given to a handler as ${JSON.stringify(task.data)}`);
    this.deliveries += 1;
    const held = { task, machine, at: this.#now };
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

  /** Tokens are judged where they are issued: a worker may begin late. */
  #delivered(reply: readonly Reply[], isTold: boolean): void {
    const token = Number(reply[1]);
    const isJudged = this.#unlimited !== undefined && this.#remembersSince < 0 && !this.#plan.clocksJump;
    for (let place = 8; place < reply.length; place += 2) {
      const level = Number(reply[place]);
      if (!isTold) this.#turns.delivered(level, reply[place + 1] as readonly Reply[]);
      if (isJudged && !isTold) this.#rates.delivered(Number(reply[2]), reply[place + 1] as readonly Reply[]);
      for (const [entry, fields] of reply[place + 1] as unknown as [string, string[]][]) {
        const plain = level === 0 ? entry : `${entry}:${level}`;
        const id = fields[0] === 'd' ? plain : (fields[1] ?? '');
        if (fields[2] !== undefined && fields[0] !== 'd' && !fields[2].startsWith(`${level} `))
          this.violate(
            'priority',
            `${id} was delivered by priority ${level}, but is "${fields[2].slice(0, 3)}"`,
          );
        if (isFollowUp(id) && !isTold) this.#lives.judgeFollowUp(id);
        const before = this.#tokens.get(id) ?? 0;
        if (token <= before || token <= this.#highest) {
          const last = Math.max(before, this.#highest);
          this.violate('token order', `${id} was delivered under ${token} after ${last}`);
        }
        this.#tokens.set(id, token);
        this.#lives.delivered(id);
        this.#changes.delivered(id, fields);
      }
    }
    this.#highest = Math.max(this.#highest, token);
  }

  /** The limits of the release before never replace those of the plan. */
  #judgeLimits(): void {
    const kept = String(this.#world.store.server.execute('HGET', [key('meta'), 'limits']));
    if (/^{"version":[23][,}]/.test(kept)) this.#unlimited ??= this.#highest;
    else if (this.#unlimited !== undefined && this.#remembersSince < 0)
      this.violate('limits', `those of the plan are kept no more, but ${kept}`);
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
      if (isValid && other.task.token > (this.#unlimited ?? Number.POSITIVE_INFINITY)) valid += 1;
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
    if (task.key === undefined || this.#plan.queue.slots > 1) return;
    const before = this.#lives.before(task.data.name, task.key);
    if (before !== undefined)
      this.violate('order of a key', `${who} although ${before}, which came before it, has not ended`);
  }

  /** When all has ended: each acknowledged task is completed once, under its last token, or a dead letter. */
  judgeEnds(): void {
    if (!this.#plan.clocksJump) this.#retention.judgeEnds();
    const { server } = this.#world.store;
    for (const life of this.#lives.all) {
      const { name, id, at, isOver } = life;
      const completions = this.#lives.completions(name);
      const isKept = at > this.#remembersSince && this.#acknowledged.has(name) && !isOver;
      if (completions === 0 && isKept && !this.#lives.isDead(life))
        this.violate('lost task', `${name}, which is ${id}, was acknowledged, but has not ended`);
      const atCancel = this.#lives.completionsAtCancel(life);
      if (atCancel !== undefined && completions > atCancel)
        this.violate('cancelled', `${name}, which is ${id}, has completed after it was cancelled`);
      if (completions > 1)
        this.violate('effects', `${name}, which is ${id}, has its effect ${completions} times`);
      if (this.#lives.isDead(life)) this.#judgeFailures(id);
      const place = server.execute('HGET', [key('results'), id]);
      if (place === null || !this.#lives.isCurrent(life)) continue;
      const [event] = server.execute('XRANGE', [key('events'), String(place), String(place)]) as [
        [string, string[]],
      ];
      const text = event[1][3] ?? '';
      if (text.startsWith('!')) continue; // the result was not kept
      const result = JSON.parse(openedText(text)) as { name: string; token: number };
      if (result.name !== name) continue;
      if (completions === 0)
        this.violate('effects', `${name}, which is ${id}, has completed without its effect`);
      // A server that forgets may have forgotten the last delivery.
      if (this.#remembersSince < 0 && result.token !== this.#tokens.get(id))
        this.violate(
          'stale completion',
          `${id} was completed under ${result.token}, not ${this.#tokens.get(id)}`,
        );
    }
  }

  /** A dead letter has failed as planned, or with the lease of its worker: a handler that succeeds has not failed. */
  #judgeFailures(id: string): void {
    const kept = this.#world.store.server.execute('HGET', [key('letters'), id]);
    if (kept === null) return; // no more
    const letter = String(kept);
    const { e = [] } = JSON.parse(letter.slice(letter.indexOf('\n'))) as { e?: { message: string }[] };
    // The handler of a follow-up reads how the tasks have ended, which fails where the server does not answer.
    const failures = isFollowUp(id) ? UNREAD : FAILURES;
    const wrong = e.find(({ message }) => !failures.test(openedMessage(message)));
    if (wrong) this.violate('failure', `${id} is a dead letter, because ${wrong.message}`);
  }
}

/** In data, results, and errors of handlers. */
const READABLE = /\{"name":|planned/;

/** What handlers of the plan fail with, and workers. */
const FAILURES =
  /^(planned|5|undefined|Symbol\(planned\)|a value that cannot be shown|its error was not kept: The codec of queue:q |The lease on task|The worker stops|its worker died|it expired|Task \S+(?: \S+)? of "q" (?:has timed out|was cancelled))/;

const UNREAD = new RegExp(`${FAILURES.source}|^The queue "q" |^The result of task `);

function compareCursors(one: string, other: string): number {
  const [, ms = 0, number = 0] = one.split(/[:-]/).map(Number);
  const [, otherMs = 0, otherNumber = 0] = other.split(/[:-]/).map(Number);
  return ms - otherMs || number - otherNumber;
}
