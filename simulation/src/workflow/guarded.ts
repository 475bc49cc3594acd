/**
 * What bodies write behind the guard, seen from inside the store: a token never falls, and a write that was acknowledged was
 * carried out.
 */
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import type { WorkflowPlan } from './plan.js';

export const dataKey = (resource: string): string => `data:${resource}`;

export class Guarded {
  writes = 0;
  readonly #world: World<WorkflowPlan>;
  readonly #violate: Violate;
  readonly #last = new Map<string, string>();
  readonly #highest = new Map<string, number>();
  readonly #carriedOut = new Set<string>();

  constructor(world: World<WorkflowPlan>, violate: Violate) {
    this.#world = world;
    this.#violate = violate;
  }

  /** The store has carried out a write to a key: "<token> <who>". */
  look(key: string): void {
    const value = this.#world.store.server.look(key);
    if (typeof value !== 'string' || value === this.#last.get(key)) return;
    this.#last.set(key, value);
    this.writes += 1;
    this.#carriedOut.add(value);
    const token = Number(value.split(' ')[0]);
    const highest = this.#highest.get(key) ?? 0;
    if (token < highest) this.#violate('guard order', `${key} accepted "${value}" after ${highest}`);
    this.#highest.set(key, Math.max(token, highest));
  }

  acknowledged(value: string): void {
    if (!this.#carriedOut.has(value))
      this.#violate('acknowledged write', `"${value}" was acknowledged but never carried out`);
  }
}
