/**
 * Leases: actors that take a few accounts from each other, seal their fences, and hold some of them for longer than a TTL.
 *
 * Complains about two holders at once, a token that does not rise, and a lease that ended before it was given back.
 */
import type { HeldLease } from '@holdfast/client';
import { createRedisGuard } from '@holdfast/fence/redis';
import { insist, isForgotten, isStatus, mayPass, pause } from '../attempts.js';
import type { Stage, Traffic } from './traffic.js';

const ACTORS = 8;
const ACCOUNTS = 5;
const TTL = 10_000;
const WAIT = 5_000;

export class LeaseTraffic implements Traffic {
  readonly name = 'leases';
  readonly #stage: Stage;
  readonly #held = new Map<string, HeldLease>();
  readonly #highest = new Map<string, number>();
  #granted = 0;
  #busy = 0;
  #sealed = 0;
  #unjudged = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Its fences are new. */
  async open(): Promise<void> {
    const guard = createRedisGuard({ redis: this.#stage.redis });
    await guard.initialize();
    await guard.close();
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: ACTORS }, () => this.#act()));
  }

  async judge(): Promise<Readonly<Record<string, number>>> {
    return {
      granted: this.#granted,
      sealed: this.#sealed,
      'not sealed, because the fence had just restarted': this.#unjudged,
      'refused because held': this.#busy,
    };
  }

  async #act(): Promise<void> {
    const { client, ending, unit } = this.#stage;
    while (!ending.aborted) {
      const name = `account:${Math.floor(unit() * ACCOUNTS)}`;
      try {
        await this.#hold(await client.lease(name, { ttl: TTL, wait: WAIT, signal: ending }));
      } catch (error) {
        if (ending.aborted) return;
        if (isStatus(error, 409)) this.#busy += 1;
        else if (mayPass(error)) await pause(200);
        else throw error;
      }
    }
  }

  async #hold(lease: HeldLease): Promise<void> {
    const { unit, complain } = this.#stage;
    const { resource, token } = lease;
    this.#granted += 1;
    if ((this.#held.get(resource)?.left ?? 0) > 0)
      complain({ what: `two hold ${resource}: ${token} and ${this.#held.get(resource)?.token}` });
    const highest = this.#highest.get(resource) ?? 0;
    if (token <= highest) complain({ what: `the token of ${resource} is ${token} after ${highest}` });
    this.#highest.set(resource, Math.max(token, highest));
    this.#held.set(resource, lease);
    try {
      await this.#seal(lease);
      await pause(unit() < 0.05 ? 1.2 * TTL : unit() * 200);
    } finally {
      if (lease.signal.aborted)
        complain({ what: `the lease on ${resource} ended early: ${lease.signal.reason.message}` });
      if (this.#held.get(resource) === lease) this.#held.delete(resource);
      await lease.release();
    }
  }

  async #seal(lease: HeldLease): Promise<void> {
    const { client } = this.#stage;
    try {
      await insist(() => client.fences.seal(lease.holder.lease ?? '', {}), lease.signal);
      this.#sealed += 1;
    } catch (error) {
      if (!isForgotten(error) && !mayPass(error)) throw error;
      this.#unjudged += 1; // the next holder tries
    }
  }
}
