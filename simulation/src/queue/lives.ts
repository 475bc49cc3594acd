/**
 * The tasks that the server was given, by name and by id: an id is used by several, one after the other.
 *
 * Guarantees: what is known is what the server has done, in its order, however late the callers hear of it. Each answer of
 * the server is judged at the moment at which it gives it.
 */

import type { TaskOutcome } from '@holdfast/queue';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import { dataOfBody, openedData, openedText } from './codec.js';
import { EFFECTS, key } from './names.js';
import type { QueuePlan } from './plan.js';

/** A task that the server has added. */
export interface Life {
  readonly name: string;
  readonly id: string;
  /** Microseconds of true time. */
  readonly at: number;
  /** Nobody expects it to end any more: it was removed, or others have taken its place. */
  isOver: boolean;
  wasRemoved: boolean;
}

/** The tasks of one deduplication key count as one until it ends. */
interface Window {
  readonly name: string;
  /** Milliseconds of the server's clock. */
  readonly ends: number;
  /** What of its task ends it before. */
  readonly until: 'begun' | 'ended' | undefined;
}

/** A task that was not added, because another is the same. */
interface Same {
  readonly name: string;
  /** The id of the other. */
  readonly id: string;
  readonly deduplication: string;
  /** The id under which it was to be added. */
  readonly proposed: string;
}

const STREAMS = Array.from({ length: 10 }, (_, level) => key(`ready:${level}`));

/** Of a record or a letter: "<priority> <holds> <key>\n<body>". */
const nameIn = (record: string): string => dataOfBody(record.slice(record.indexOf('\n') + 1)).name;

/** Of what `find` has answered: a result, a record, or data and options. */
function nameOf(word: unknown, text: string, value: unknown): string {
  if (word === 'completed') return (JSON.parse(openedText(text)) as { name: string }).name;
  return Array.isArray(value) ? openedData(text, String(value[1] ?? '')).name : nameIn(text);
}

export class Lives {
  readonly #world: World<QueuePlan>;
  readonly #violate: Violate;
  readonly #byName = new Map<string, Life>();
  /** The latest of each id. */
  readonly #current = new Map<string, Life>();
  readonly #removed = new Set<string>();
  /** Names of the tasks of a key, in the order in which they came. */
  readonly #lines = new Map<string, string[]>();
  /** By deduplication key, as the last put left them. */
  readonly #windows = new Map<string, Window>();
  /** Those whose letters were seen since they last began. */
  readonly #buried = new Set<Life>();
  readonly #delivered = new Set<Life>();
  /** How often a task had completed when it was cancelled. */
  readonly #cancelled = new Map<Life, number>();
  /** Names of the tasks that a follow-up waits for, by its id. */
  readonly #fans = new Map<string, readonly string[]>();
  /** Names of those that were tried again, which may not have ended. */
  readonly #requeued = new Set<string>();
  #forgot = false;

  constructor(world: World<QueuePlan>, violate: Violate) {
    this.#world = world;
    this.#violate = violate;
  }

  get all(): Iterable<Life> {
    return this.#byName.values();
  }

  of(name: string): Life | undefined {
    return this.#byName.get(name);
  }

  isCurrent({ id, name }: Life): boolean {
    return this.#current.get(id)?.name === name;
  }

  /** The server is about to forget. */
  forgets(): void {
    this.#forgot = true;
    this.#lines.clear();
    this.#removed.clear();
    this.#windows.clear();
    this.#cancelled.clear();
    this.#buried.clear();
    this.#fans.clear();
    for (const life of this.#byName.values()) life.wasRemoved = false; // it may be there again
  }

  /** The server has carried out a call. */
  look(call: Call, reply: readonly string[]): void {
    const [word] = reply;
    if (call.verb === 'put') this.#put(call, reply);
    if (call.verb === 'work' || call.verb === 'finish') this.#noteLetters();
    if (word === 'released') this.#windows.delete(call.args[0] ?? '');
    if (call.verb === 'fan' && word === 'fanned') this.#fan(call, reply);
    if (word === 'removed' && call.verb === 'remove') this.#noteRemoval(call);
    if (call.verb === 'cancel' && word !== 'unknown') this.#noteCancel(call, word === 'cancelled');
    if (word === 'requeued') this.#noteRequeue(call);
    if (call.verb === 'change' && word === 'changed') this.#noteChange(call);
    if (call.verb === 'find' && call.args[3] !== '1') this.#judgeFound(call.args[0] ?? '', reply);
    if (word === 'counted') this.#judgeCounts(reply.slice(1, 4).map(Number));
    if (word === 'listed') this.#judgePage(call, reply);
  }

  /** A worker was given the task that has this id now. */
  delivered(id: string): void {
    const life = this.#current.get(id);
    if (life !== undefined) this.#delivered.add(life);
  }

  /** Plain tasks were added. */
  plain({ args }: Call, reply: string): void {
    for (const [index, id] of reply.split(' ').slice(1).entries()) {
      const { name } = openedData(args[3 * index + 1] ?? '', args[3 * index + 2] ?? '');
      if (!id.startsWith('full:')) this.#begin(name, id);
    }
  }

  /** That which came before it in the line of its key and has not ended; it is the first of the line from now on. */
  before(name: string, lineKey: string): string | undefined {
    const line = this.#lines.get(lineKey);
    const place = line?.indexOf(name) ?? -1;
    if (line === undefined || place < 0) return undefined;
    this.#lines.set(lineKey, line.slice(place));
    return line.slice(0, place).find((other) => this.#isAlive(other));
  }

  /** The name of the task that has this id now. */
  nameOf(id: string): string | undefined {
    return this.#current.get(id)?.name;
  }

  /** How often a task has completed, by its effects. */
  completions(name: string): number {
    return Number(this.#ask('HGET', EFFECTS, name) ?? 0);
  }

  /** Undefined for one that was not cancelled. */
  completionsAtCancel(life: Life): number | undefined {
    return this.#cancelled.get(life);
  }

  /** Whether it has become a dead letter, which may be kept no more. */
  isDead(life: Life): boolean {
    const { id, name } = life;
    if (this.#buried.has(life)) return true;
    const letter = this.#ask('HGET', key('letters'), id);
    return letter !== null && nameIn(String(letter)) === name;
  }

  #ask(command: string, ...args: readonly string[]): unknown {
    return this.#world.store.server.execute(command, args);
  }

  #isAlive(name: string): boolean {
    const life = this.#byName.get(name);
    return life !== undefined && this.isCurrent(life) && this.#ask('HEXISTS', key('tasks'), life.id) === 1;
  }

  #begin(name: string, id: string): void {
    const before = this.#current.get(id);
    if (before !== undefined && before.name !== name) this.#end(before, name);
    const life = { name, id, at: this.#world.scheduler.now, isOver: false, wasRemoved: false };
    this.#byName.set(name, life);
    this.#current.set(id, life);
    this.#removed.delete(id);
  }

  /** Its id is used by another from now on. */
  #end(life: Life, next: string): void {
    const hasEnded = life.isOver || this.completions(life.name) > 0 || this.isDead(life);
    if (!hasEnded && !this.#forgot)
      this.#violate('lost task', `${life.name} had not ended when ${next} was added as ${life.id}, too`);
    life.isOver = true;
  }

  #put({ args }: Call, reply: readonly string[]): void {
    for (let index = 0; index * 9 < args.length; index += 1) {
      const [proposed = '', , lineKey = '', delay, body = '', deduplication = '', , keep] = args.slice(
        9 * index,
      );
      const [word, id = ''] = reply.slice(2 * index + 1);
      const { name } = dataOfBody(body);
      if (word === 'same') this.#same({ name, id, deduplication, proposed });
      if (word !== 'added') continue;
      if (deduplication !== '') this.#judgeWindow(name, deduplication);
      this.#begin(name, id);
      if (deduplication !== '') this.#noteWindow(name, deduplication, keep);
      const isInLine = lineKey !== '' && Number(delay) === 0 && keep !== 'last';
      if (!isInLine) continue;
      // One that was removed, and is added again by a repeated call, is the last of its line.
      const others = (this.#lines.get(lineKey) ?? []).filter((other) => other !== name);
      this.#lines.set(lineKey, [...others, name]);
    }
  }

  /** A follow-up counts as added from when it is certain to come. */
  #fan({ args: [fan = '', , , , , , , , , , , ...args] }: Call, [, ...words]: readonly string[]): void {
    const names: string[] = [];
    for (const [index, word] of words.entries()) {
      const [, id = '', , lineKey = '', delay, body = ''] = args.slice(7 * index);
      const { name } = dataOfBody(body);
      names.push(name);
      if (word !== 'added') continue;
      this.#begin(name, id);
      if (lineKey !== '' && Number(delay) === 0)
        this.#lines.set(lineKey, [...(this.#lines.get(lineKey) ?? []), name]);
    }
    if (words.includes('same')) return;
    this.#begin(fan, fan);
    this.#fans.set(fan, names);
  }

  /** The tasks that a follow-up waits for, which a worker is given now: none of them may be alive. */
  judgeFollowUp(id: string): void {
    for (const name of this.#fans.get(id) ?? []) {
      if (this.#isAlive(name) && !this.#requeued.has(name))
        this.#violate('fan-in', `${id} was delivered, but ${name} has not ended`);
    }
  }

  /** What the handler of a follow-up reads. */
  judgeGathered(id: string, outcomes: readonly TaskOutcome[]): void {
    const names = this.#fans.get(id);
    if (names === undefined) return;
    if (outcomes.length !== names.length)
      this.#violate(
        'fan-in',
        `${id} follows on ${names.length} tasks, but reads how ${outcomes.length} have ended`,
      );
    for (const outcome of outcomes) {
      const { name } = (outcome.state === 'completed' ? (outcome.result ?? {}) : {}) as { name?: string };
      if (name !== undefined && name !== names[outcome.place])
        this.#violate('fan-in', `${id} reads the result of ${name} as that of ${names[outcome.place]}`);
    }
  }

  /** Of a task that was added: no other waits under its deduplication key, unless the window of that is over. */
  #judgeWindow(name: string, deduplication: string): void {
    // A window that is over is forgotten, and is not remembered when the clock steps back.
    if (this.#world.plan.clocksJump) return;
    const before = this.#windows.get(deduplication);
    const now = Math.floor(this.#world.store.time() / 1_000);
    if (before === undefined || before.name === name || before.ends <= now || this.#isOver(before)) return;
    if (this.#isAlive(before.name) && (before.until !== undefined || !this.#isActive(before.name)))
      this.#violate('deduplication', `${name} was added, although ${before.name} has its key`);
  }

  #noteWindow(name: string, deduplication: string, keep: string | undefined): void {
    const ends = this.#ask('ZSCORE', key('dedup'), deduplication);
    const until = keep === 'begun' || keep === 'ended' ? keep : undefined;
    this.#windows.set(deduplication, { name, ends: Number(ends), until });
  }

  /** Whether a window has ended with its task. */
  #isOver({ name, until }: Window): boolean {
    const life = this.#byName.get(name);
    if (until === undefined || life === undefined) return false;
    const isOpen = until === 'begun' ? !this.#delivered.has(life) && !this.#cancelled.has(life) : true;
    return !isOpen || !this.#isAlive(name);
  }

  /** Whether a worker has a task that is alive. */
  #isActive(name: string): boolean {
    const place = this.#ask('HGET', key('places'), this.#byName.get(name)?.id ?? '');
    if (typeof place !== 'string') return false;
    const [level = '', entry = ''] = place.split(' ');
    try {
      const stream = key(`ready:${level}`);
      const [pending] = this.#ask('XPENDING', stream, 'workers', entry, entry, '1') as [string, string][];
      return pending !== undefined && pending[1] !== '-';
    } catch {
      return false; // nobody has read from it yet
    }
  }

  /** It was not added, or it has replaced another that waits. */
  #same({ name, id, deduplication, proposed }: Same): void {
    // Its key may stand for an earlier task of that id, which has ended, and not for the one that was removed. A task
    // that has the id itself is the same whatever its key.
    const isOfId = this.#ask('HEXISTS', key('tasks'), proposed) === 1;
    const window = isOfId ? undefined : this.#windows.get(deduplication);
    const other = window ? this.#byName.get(window.name) : this.#current.get(id);
    if (window && this.#isOver(window))
      this.#violate('deduplication', `${name} is the same as ${window.name}, whose window is over`);
    if (other?.wasRemoved)
      this.#violate('deduplication', `${name} is the same as ${other.name}, which was removed`);
    const record = this.#ask('HGET', key('tasks'), id);
    const current = this.#current.get(id);
    if (record === null || nameIn(String(record)) !== name || current?.name === name) return;
    if (current !== undefined) current.isOver = true;
    this.#begin(name, id);
    if (deduplication !== '') this.#noteWindow(name, deduplication, undefined);
  }

  /** A letter may be kept for a moment only. */
  #noteLetters(): void {
    for (const id of this.#ask('ZRANGE', key('dead'), '0', '-1') as string[]) {
      const life = this.#current.get(id);
      if (life !== undefined && !this.#buried.has(life) && this.isDead(life)) this.#buried.add(life);
    }
  }

  /** It may have been a letter of an earlier task. */
  #noteRemoval({ args: [id = '', , , state] }: Call): void {
    const isThere = (hash: string): boolean => this.#ask('HEXISTS', key(hash), id) === 1;
    if (state === 'dead' && isThere('letters'))
      this.#violate('purge', `the dead letter ${id} was to be removed, but is there; something else was`);
    if (isThere('tasks') || isThere('results')) return;
    this.#removed.add(id);
    const life = this.#current.get(id);
    if (life === undefined) return;
    life.isOver = true;
    life.wasRemoved = true;
  }

  /** It has ended, or it ends with its delivery. */
  #noteCancel({ args: [id = ''] }: Call, hasEnded: boolean): void {
    const life = this.#current.get(id);
    if (hasEnded) this.#removed.add(id);
    if (life === undefined) return;
    this.#cancelled.set(life, this.completions(life.name));
    life.isOver = true;
    if (hasEnded) life.wasRemoved = true;
  }

  /** One that begins at another time leaves its line. */
  #noteChange({ args: [id = '', , , , , due] }: Call): void {
    const life = this.#current.get(id);
    if (due === '' || life === undefined) return;
    for (const [lineKey, line] of this.#lines)
      this.#lines.set(
        lineKey,
        line.filter((name) => name !== life.name),
      );
  }

  #noteRequeue({ args: [id = '', , record = ''] }: Call): void {
    if (this.#ask('HGET', key('tasks'), id) !== record)
      this.#violate('requeue', `${id} was requeued, and its letter is gone, but another task is there`);
    const life = this.#byName.get(nameIn(record));
    this.#requeued.add(nameIn(record));
    this.#removed.delete(id);
    if (life === undefined) return;
    life.isOver = false;
    life.wasRemoved = false;
    this.#buried.delete(life);
    this.#current.set(id, life);
    // Its key was free when it had ended, and is not taken again.
    for (const [deduplication, { name, until }] of this.#windows)
      if (name === life.name && until !== undefined) this.#windows.delete(deduplication);
    for (const [lineKey, line] of this.#lines) {
      this.#lines.set(
        lineKey,
        line.filter((name) => name !== life.name),
      );
    }
  }

  #judgeFound(id: string, [word, value]: readonly (string | readonly string[])[]): void {
    if (word === 'unknown' || this.#forgot) return;
    const life = this.#current.get(id);
    if (word === 'cancelled') {
      if (life !== undefined && !life.isOver)
        this.#violate('answers', `${id} is said to be cancelled, but is ${life.name} now`);
      return;
    }
    const text = String(typeof value === 'string' ? value : value?.[0]);
    if (word === 'completed' && text.startsWith('!')) return; // its result was not kept
    const name = nameOf(word, text, value);
    // What the last task of this id has left may be kept no more, but the letter of an earlier one is.
    if (word === 'dead' && life !== undefined && this.completions(life.name) > 0) return;
    if (this.#removed.has(id) && word !== 'dead')
      this.#violate('answers', `${id} was removed, but is said to be ${word}, as ${name}`);
    else if (life !== undefined && !life.isOver && life.name !== name)
      this.#violate('answers', `${id} is said to be ${word}, as ${name}, but is ${life.name} now`);
  }

  /** Tasks that have not ended, and those of them that workers have. */
  get #present(): { all: number; active: number } {
    let all = Number(this.#ask('HLEN', key('tasks')));
    let active = 0;
    for (const stream of STREAMS) {
      const entries = this.#ask('XRANGE', stream, '-', '+') as [string, string[]][];
      all += entries.filter(([, [field]]) => field === 'd').length;
      if (entries.length === 0) continue;
      try {
        const pending = this.#ask('XPENDING', stream, 'workers', '-', '+', '100000') as [string, string][];
        active += pending.filter(([, consumer]) => consumer !== '-').length;
      } catch {} // nobody has read from it yet
    }
    return { all, active };
  }

  #judgeCounts([waiting = 0, active = 0, delayed = 0]: readonly number[]): void {
    const present = this.#present;
    if (active !== present.active || waiting + active + delayed !== present.all) {
      const told = `${waiting} waiting, ${active} active and ${delayed} delayed`;
      this.#violate(
        'counts',
        `${told} were counted, but there are ${present.all}, of which ${present.active} are active`,
      );
    }
  }

  /** Of a list that is one page. */
  #judgePage({ args: [state, after] }: Call, reply: readonly string[]): void {
    if (state !== 'waiting' || after !== '' || reply[1] !== '') return;
    const { all, active } = this.#present;
    const waiting = all - active - Number(this.#ask('ZCARD', key('delayed')));
    const listed = (reply.length - 2) / 2;
    if (listed !== waiting) this.#violate('counts', `${listed} are listed as waiting, but ${waiting} are`);
  }
}
