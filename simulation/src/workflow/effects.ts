/**
 * Judges the effects of steps: the command that a step has added is carried out in the call that brings its result, once, and
 * never for an attempt whose result is not accepted.
 */
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import type { WorkflowPlan } from './plan.js';

/** The list to which the effects of all steps append. */
export const EFFECTS = 'effects';

/** What the effect of an attempt appends; no other attempt of that step, in whatever journal, has the same. */
export const effectOf = (run: string, step: string, token: number): string => `${run} ${step} ${token}`;

export class Effects {
  readonly #world: World<WorkflowPlan>;
  readonly #violate: Violate;
  /** Entries that were judged. */
  #known = 0;
  /** Of the results that the present call has brought. */
  readonly #due = new Set<string>();

  constructor(world: World<WorkflowPlan>, violate: Violate) {
    this.#world = world;
    this.#violate = violate;
  }

  /** A step with an effect is done. */
  isDue(run: string, step: string, token: number): void {
    this.#due.add(effectOf(run, step, token));
  }

  /** The server may have forgotten: what it has now is what there is. */
  adopt(): void {
    this.#due.clear();
    this.#known = this.#entries.length;
  }

  /** The server has carried out a call, and the journals are as it has left them. */
  look(): void {
    const entries = this.#entries;
    for (const entry of entries.slice(this.#known)) {
      if (!this.#due.delete(entry))
        this.#violate('effect', `"${entry}" was carried out, but brings no result for the first time`);
    }
    this.#known = entries.length;
    for (const entry of this.#due) this.#violate('effect', `"${entry}" is done, but was not carried out`);
    this.#due.clear();
  }

  get #entries(): readonly string[] {
    return (this.#world.store.server.look(EFFECTS) as readonly string[] | undefined) ?? [];
  }
}
