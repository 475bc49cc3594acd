/**
 * Rows of a feature view: landed in a lane under a lease, and read by others meanwhile.
 *
 * Complains about a row that is older than the one that was acknowledged before it was asked for.
 */
import type { HeldLease } from '@holdfast/client';
import { createFeatures, entity, t, view } from '@holdfast/features';
import { insist, isStatus, mayPass, pause } from '../attempts.js';
import type { Stage, Traffic } from './traffic.js';

const STORE = 'mixed';
const VIEW = 'counts';
const USERS = 200;
const BATCH = 10;
const READERS = 2;
const EVERY = 100;
const TTL = 10_000;

interface Acknowledged {
  readonly value: number;
  readonly at: number;
}

const counts = view(VIEW, { entity: entity('user'), fields: { count: t.int() } });

export class RowTraffic implements Traffic {
  readonly name = 'features';
  readonly #stage: Stage;
  readonly #rows = new Map<string, Acknowledged>();
  #next = 0;
  #landed = 0;
  #read = 0;
  #leases = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {
    await using store = createFeatures({ redis: this.#stage.redis, name: STORE, views: [counts] });
    await store.apply();
  }

  async run(): Promise<void> {
    await Promise.all([this.#write(), ...Array.from({ length: READERS }, () => this.#readOn())]);
  }

  async judge(): Promise<Readonly<Record<string, number>>> {
    const users = [...this.#rows.keys()];
    for (let from = 0; from < users.length; from += BATCH) await this.#look(users.slice(from, from + BATCH));
    return { 'rows landed': this.#landed, 'rows read': this.#read, 'leases of the lane': this.#leases };
  }

  async #write(): Promise<void> {
    const { client, ending, complain } = this.#stage;
    while (!ending.aborted) {
      try {
        await using lease = await client.lease('lane:counts', { ttl: TTL, wait: 2 * TTL, signal: ending });
        this.#leases += 1;
        while (!ending.aborted && !lease.signal.aborted) {
          await this.#land(lease);
          await pause(EVERY);
        }
        if (lease.signal.aborted) complain({ what: `the lease of the lane ended early: ${lease.token}` });
      } catch (error) {
        if (ending.aborted) return;
        if (isStatus(error, 410)) complain({ what: 'the lease of the lane ended early' });
        else if (!mayPass(error) && !isStatus(error, 409)) throw error;
        await pause(200);
      }
    }
  }

  async #land(lease: HeldLease): Promise<void> {
    const { client } = this.#stage;
    const time = Date.now();
    const values = Array.from({ length: BATCH }, () => this.#next++);
    const rows = values.map((value) => ({ id: `u${value % USERS}`, time, values: { count: value } }));
    await insist(() => client.features.land(lease.holder.lease ?? '', STORE, VIEW, { rows }), lease.signal);
    for (const value of values) this.#rows.set(`u${value % USERS}`, { value, at: performance.now() });
    this.#landed += values.length;
  }

  async #readOn(): Promise<void> {
    const { ending, unit } = this.#stage;
    while (!ending.aborted) {
      const users = Array.from({ length: BATCH }, () => `u${Math.floor(unit() * USERS)}`);
      await this.#look(users.filter((user) => this.#rows.has(user)));
      await pause(EVERY);
    }
  }

  async #look(users: readonly string[]): Promise<void> {
    if (users.length === 0) return;
    const { client, complain } = this.#stage;
    const known = users.map((user) => this.#rows.get(user) as Acknowledged);
    const { rows } = await insist(() => client.features.rows(STORE, VIEW, { ids: users }));
    for (const [at, { value, at: acknowledged }] of known.entries()) {
      const found = Number(rows[at]?.values['count'] ?? -1);
      if (found < value)
        complain({ what: `the row of ${users[at]} is ${found}, not ${value}`, acknowledged });
    }
    this.#read += users.length;
  }
}
