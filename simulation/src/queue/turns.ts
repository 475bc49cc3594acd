/**
 * Judges turns: whoever adds a task for a tenant of whom none waits has it delivered before another tenant has had more
 * than one turn.
 */
import type { Reply } from '../redis/index.js';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import { key } from './names.js';
import type { QueuePlan } from './plan.js';

/** A task that stands in a stream, and what others have had since. */
interface Watched {
  readonly id: string;
  readonly tenant: string;
  readonly level: number;
  readonly turns: Map<string, number>;
}

/** Stands before a tenant where a record has a key. */
export const TENANT = '\u0003';

export class Turns {
  readonly #world: World<QueuePlan>;
  readonly #violate: Violate;
  #watched: Watched[] = [];
  /** The highest that each tenant has had. */
  readonly #weights = new Map<string, number>();

  constructor(world: World<QueuePlan>, violate: Violate) {
    this.#world = world;
    this.#violate = violate;
  }

  /** The server is about to forget. */
  forgets(): void {
    this.#watched = [];
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, reply: readonly string[]): void {
    const [first = '', second] = args;
    if (verb === 'put') this.#put(args, reply);
    else if (verb === 'weigh')
      this.#weights.set(`${TENANT}${first}`, Math.max(Number(second), this.#weightOf(`${TENANT}${first}`)));
    else if (['remove', 'cancel', 'change'].includes(verb)) this.#forget(first);
  }

  /** Deliveries of one priority, in their order: [entry, fields, how often it was delivered, if that is not the first]. */
  delivered(level: number, entries: readonly Reply[]): void {
    for (const each of entries) {
      const [, [field, id = '', record = ''], again] = each as unknown as [string, string[], number?];
      if (field !== 'i') continue;
      this.#forget(id);
      const tenant = /^\d \d ([^\n]*)\n/.exec(record)?.[1] ?? '';
      if (again === undefined && tenant.startsWith(TENANT)) this.#turn(tenant, level);
    }
  }

  #put(args: readonly string[], reply: readonly string[]): void {
    for (let index = 0; index * 9 < args.length; index += 1) {
      const [, priority, tenant = ''] = args.slice(9 * index);
      const [word, id = ''] = reply.slice(2 * index + 1);
      // It may have been replaced by one that is no tenant's, or another's.
      if (word === 'same') this.#forget(id);
      const place = this.#world.store.server.execute('HGET', [key('places'), id]);
      if (word !== 'added' || !tenant.startsWith(TENANT) || typeof place !== 'string') continue;
      this.#forget(id);
      this.#watched.push({ id, tenant, level: Number(priority), turns: new Map() });
    }
  }

  #turn(tenant: string, level: number): void {
    for (const { id, tenant: own, level: its, turns } of this.#watched) {
      if (own === tenant || level > its) continue;
      const count = (turns.get(tenant) ?? 0) + 1;
      turns.set(tenant, count);
      if (count > this.#weightOf(tenant))
        this.#violate('turns', `${count} tasks of ${tenant.slice(1)} were delivered before ${id}`);
    }
  }

  #weightOf(tenant: string): number {
    return this.#weights.get(tenant) ?? 1;
  }

  #forget(id: string): void {
    this.#watched = this.#watched.filter((one) => one.id !== id);
  }
}
