/**
 * Whether a resource that becomes free is soon granted to one of those who wait, when all is well.
 *
 * Guarantees: what is found too slow waited for longer than a call takes, or a reservation of somebody who does not
 * come: a call was lost, or somebody who is dead was not passed over.
 */
import type { Oracle } from '../checks/oracle.js';

/** Within this time a free resource is granted to somebody who waits, in ms: before anybody asks again unasked. */
const PROMPT = 1_200;

export class Handovers {
  readonly #oracle: Oracle;
  readonly #resource: string;
  #waiting = 0;
  #holding = 0;
  /** Since when it could have been granted. */
  #since = 0;

  constructor(oracle: Oracle, resource: string) {
    this.#oracle = oracle;
    this.#resource = resource;
  }

  asks(now: number): void {
    if (this.#waiting === 0) this.#since = Math.max(this.#since, now);
    this.#waiting += 1;
  }

  granted(now: number, who: string): void {
    const took = now - this.#since;
    if (this.#holding === 0 && took > PROMPT) {
      const message = `"${this.#resource}" was free for ${took.toFixed(0)} ms before ${who} was granted it`;
      this.#oracle.violate('prompt', message);
    }
    this.#waiting -= 1;
    this.#holding += 1;
  }

  released(now: number): void {
    this.#holding -= 1;
    this.#since = now;
  }
}
