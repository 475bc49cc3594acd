/**
 * Who gives the rights to write: a service of locks that never fails, and whose leases end whenever somebody else asks.
 *
 * Guarantees: tokens rise over all resources, so that each names one right. Only the last of a resource is renewed.
 */
import type { Subject } from '../run/subject.js';
import type { Machine } from '../world/machine.js';

/** The right to a resource, as a lease has it. */
export interface Right {
  readonly token: number;
  readonly resource: string;
  readonly issuer: string;
  readonly signal: AbortSignal;
  extend(): Promise<void>;
}

interface Asked {
  readonly resource: string;
  /** Whether its holder is told when another has the right. */
  readonly isTold: boolean;
  readonly way: number;
}

interface Given {
  readonly token: number;
  readonly machine: Machine;
  readonly controller: AbortController;
  /** Whether its holder is told when another has the right. */
  readonly isTold: boolean;
}

export class Issuer {
  readonly #lost: Subject['LeaseLostError'];
  readonly #last = new Map<string, Given>();
  #token = 1_000;

  constructor({ LeaseLostError }: Subject) {
    this.#lost = LeaseLostError;
  }

  /** `way`: how long a renewal takes on each way, in ms. */
  grant(machine: Machine, { resource, isTold, way }: Asked): Right {
    const before = this.#last.get(resource);
    if (before?.isTold)
      before.machine.run(() => before.controller.abort(this.#lostOf(resource, before.token)));
    this.#token += 1;
    const given = { token: this.#token, machine, controller: new AbortController(), isTold };
    this.#last.set(resource, given);
    const { token, controller } = given;
    const pause = (): Promise<void> =>
      new Promise((resolve) => {
        machine.clock.after(way, resolve);
      });
    return {
      ...{ token, resource, issuer: 'locks', signal: controller.signal },
      extend: async () => {
        await pause();
        if (this.#last.get(resource) !== given) throw this.#lostOf(resource, token);
        await pause();
      },
    };
  }

  #lostOf(resource: string, token: number): Error {
    return new this.#lost(`The right to ${resource} is another's.`, { resource, token });
  }
}
