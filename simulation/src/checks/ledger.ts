/**
 * What is written in the guarded store, seen from inside it: every write must build on the one before, and tokens must
 * never fall, not even when the store forgets.
 *
 * A write is a list of entries, `token:name`, separated by commas; who writes adds his entry to what he has read.
 */
import { EXCLUSIVE, QUIET, SHARED } from '../plan/plan.js';
import type { SimulatedNode } from '../world/node.js';
import type { Oracle } from './oracle.js';

/** Exclusive leases on these protect an entry each. */
const LEDGERS = [...EXCLUSIVE, QUIET, SHARED];

export const ledgerKey = (resource: string): string => `ledger:${resource}`;

export const entryOf = (token: number, name: string): string => `${token}:${name}`;

export class Ledger {
  /** Writes that were carried out. */
  writes = 0;
  readonly #oracle: Oracle;
  readonly #values = new Map<string, string>();
  readonly #highest = new Map<string, number>();
  readonly #entries = new Set<string>();

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  /** The store has carried out a command. */
  look(store: SimulatedNode): void {
    for (const resource of LEDGERS) {
      const value = this.#read(store, resource);
      const before = this.#values.get(resource) ?? '';
      if (value === before) continue;
      this.#values.set(resource, value);
      this.#judge(resource, before, value);
    }
  }

  /** The store may have forgotten: what it has now is what there is. */
  restarted(store: SimulatedNode): void {
    for (const resource of LEDGERS) this.#values.set(resource, this.#read(store, resource));
  }

  /** The writer was told that its entry is written. */
  acknowledged(entry: string): void {
    if (!this.#entries.has(entry)) {
      this.#oracle.violate('acknowledged write', `${entry} was acknowledged but never carried out`);
    }
  }

  #judge(resource: string, before: string, value: string): void {
    this.writes += 1;
    const entry = value.slice(value.lastIndexOf(',') + 1);
    const expected = before === '' ? entry : `${before},${entry}`;
    if (value !== expected) {
      this.#oracle.violate(
        'lost update',
        `"${resource}" was [${tail(before)}] and became [${tail(value)}], which does not build on it`,
      );
    }
    const token = Number(entry.split(':')[0]);
    const highest = this.#highest.get(resource) ?? 0;
    if (token < highest) {
      this.#oracle.violate('guard order', `the guard of "${resource}" accepted ${token} after ${highest}`);
    }
    this.#highest.set(resource, Math.max(highest, token));
    this.#entries.add(entry);
  }

  #read(store: SimulatedNode, resource: string): string {
    return String(store.server.execute('GET', [ledgerKey(resource)]) ?? '');
  }
}

const tail = (value: string): string => (value.length > 120 ? `…${value.slice(-120)}` : value);
