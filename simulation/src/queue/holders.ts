/**
 * Holders of resources under whose tokens tasks are added: their issuer, and the judge of what the server lets them add.
 *
 * Guarantees: nothing is added under a token once something was added under a higher one for the same resource, also on a
 * server that has forgotten that.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import type { QueuePlan } from './plan.js';

/** A token of the simulation's own issuer. */
export interface SimulatedHolder {
  readonly token: number;
  readonly resource: string;
  readonly issuer: string;
}

/** Where the claim of a call stands among its arguments, by verb. */
const PLACES: ReadonlyMap<string, number> = new Map([
  ['guarded', 0],
  ['fan', 7],
]);

export class Holders {
  readonly #world: World<QueuePlan>;
  readonly #violate: Violate;
  #issued = 0;
  #accepted = 0;

  constructor(world: World<QueuePlan>, violate: Violate) {
    this.#world = world;
    this.#violate = violate;
  }

  /** Whoever had it before may not know that it has lost it. */
  issue(): SimulatedHolder {
    this.#issued = Math.max(this.#issued + 1, Math.floor(this.#world.store.time()));
    return { token: this.#issued, resource: 'r', issuer: 'simulation' };
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, [word]: readonly string[]): void {
    const place = PLACES.get(verb);
    const token = Number(place === undefined ? 0 : args[place + 2]);
    if (token === 0 || (word !== 'put' && word !== 'fanned')) return;
    if (token < this.#accepted)
      this.#violate('holder', `tasks were added under ${token} after others under ${this.#accepted}`);
    this.#accepted = Math.max(this.#accepted, token);
  }
}

/** Tasks that are added under a token, as others are that have records. */
export const asPut = ({ verb, args, ...call }: Call): Call =>
  verb === 'guarded' ? { ...call, verb: 'put', args: args.slice(4) } : { ...call, verb, args };
