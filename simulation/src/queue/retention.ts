/**
 * Judges how much is kept of tasks that have ended: what a task says of itself, and what the limits of the queue say of
 * the others.
 */
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import { key } from './names.js';
import type { QueuePlan } from './plan.js';

/** Within this time after its own is over a result is gone while all is well, in ms: after several renewals. */
const GONE = 6_000;

export class Retention {
  readonly #world: World<QueuePlan>;
  readonly #violate: Violate;
  /** The entries of results with a retention of their own, by the time at which they may go. */
  readonly #own = new Map<string, number>();

  constructor(world: World<QueuePlan>, violate: Violate) {
    this.#world = world;
    this.#violate = violate;
  }

  /** The server is about to forget. */
  forgets(): void {
    this.#own.clear();
  }

  /** A call was carried out that may delete. */
  look(): void {
    const own = this.#ask('ZRANGE', key('own'), '0', '-1', 'WITHSCORES') as string[];
    for (let index = 0; index < own.length; index += 2)
      this.#own.set(own[index] ?? '', Number(own[index + 1]));
    for (const [event, due] of this.#own) {
      if (due <= this.#now) this.#own.delete(event);
      else if ((this.#ask('XRANGE', key('events'), event, event) as unknown[]).length === 0) {
        this.#own.delete(event);
        this.#violate('retention', `the result ${event} is gone, but was to be kept until ${due}`);
      }
    }
  }

  /** While all is well, nothing is kept for much longer than it has to be. */
  judgeEnds(): void {
    const before = this.#now - GONE;
    for (const set of ['own', 'own_dead']) {
      const late = this.#ask('ZRANGEBYSCORE', key(set), '-inf', String(before)) as string[];
      if (late.length > 0) this.#violate('retention', `${late.join(', ')} of ${set} is kept still`);
    }
    const age = Number(this.#ask('HGET', key('meta'), 'keep_for') ?? Number.POSITIVE_INFINITY);
    if (before - age <= 0) return;
    const events = this.#ask('XRANGE', key('events'), '-', String(before - age)) as [string][];
    const late = events.filter(([event]) => this.#ask('ZSCORE', key('own'), event) === null);
    if (late.length > 0)
      this.#violate('retention', `${late.length} results are kept for much longer than ${age} ms`);
  }

  get #now(): number {
    return Math.floor(this.#world.store.time() / 1_000);
  }

  #ask(command: string, ...args: readonly string[]): unknown {
    return this.#world.store.server.execute(command, args);
  }
}
