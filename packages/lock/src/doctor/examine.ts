/**
 * The doctor for locks that a program has made: the same facts and findings as those of `holdfast doctor`.
 *
 * Guarantees: only reads. Connections of its own are closed when it resolves; clients that the program passed in are as they
 * were.
 */
import { type Locks, placeOf } from '../locks.js';
import { collect } from './collect.js';
import type { Facts } from './facts.js';
import type { Diagnosis } from './findings.js';
import { judge } from './judge.js';

export interface Examined extends Diagnosis {
  readonly facts: Facts;
}

/** Examines the nodes of `locks`. Throws MisuseError if no client library is installed. */
export async function examine(locks: Locks): Promise<Examined> {
  const { nodes, ...rest } = placeOf(locks);
  const facts = await collect({ ...rest, addresses: nodes, allowEven: true });
  return { facts, ...judge(facts) };
}
