/**
 * Judges schedules: a tick at whose time there was a worker gets its task.
 */

import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import { key } from './names.js';
import type { QueuePlan } from './plan.js';

export class Ticks {
  readonly #world: World<QueuePlan>;
  readonly #every: number | undefined;
  readonly #isAlone: boolean;
  readonly #violate: Violate;
  /** Since when, and until when at least, there is a session; by the server, in ms. */
  #since = Number.POSITIVE_INFINITY;
  #until = 0;

  constructor(world: World<QueuePlan>, plan: QueuePlan, violate: Violate) {
    this.#world = world;
    this.#every = plan.queue.every;
    this.#isAlone = plan.queue.isAlone;
    this.#violate = violate;
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, reply: readonly string[]): void {
    if (this.#every === undefined) return;
    const now = Math.floor(this.#world.store.time() / 1_000);
    if (this.#isAlone && (verb === 'tick' || verb === 'run')) this.#judgeOverlap();
    else if (verb === 'tick' && reply[0] === 'ticked') this.#ticked(now, args);
    const [, until] = this.#world.store.server.execute('ZRANGE', [
      ...[key('sessions'), '-1', '-1', 'WITHSCORES'],
    ]) as string[];
    if (now > this.#until) this.#since = now;
    this.#until = Number(until ?? 0);
  }

  /** At most one task of a schedule that does not overlap has not ended. */
  #judgeOverlap(): void {
    const ids = this.#world.store.server.execute('HKEYS', [key('tasks')]) as string[];
    const ofSchedule = ids.filter((id) => id.startsWith('schedule:'));
    if (ofSchedule.length > 1) this.#violate('overlap', `${ofSchedule.join(' and ')} are there at a time`);
  }

  #ticked(now: number, [schedule, at, next, _most, ...tasks]: readonly string[]): void {
    const ids = new Set(tasks.filter((_, index) => index % 2 === 0));
    const end = Math.min(now, next === '' ? now : Number(next) - 1);
    for (let time = Number(at); time <= end; time += this.#every ?? 1) {
      if (time > this.#since && time <= this.#until && !ids.has(`schedule:${schedule}:${time}`))
        this.#violate('tick', `${time} has no task, although there was a worker since ${this.#since}`);
    }
  }
}
