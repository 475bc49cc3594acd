/**
 * The check of a history, in two ways: whether it is linearizable (linearizable.ts), and by what is certain: when a lease
 * was valid, and which operation came after which.
 *
 * By the latter, leases that were valid at the same moment must not exclude each other; a lease that was asked for after another had
 * been granted has a higher token; none is extended when a later one has been granted.
 */
import type { HistoryEvent } from '../history/event.js';
import { type Granted, readLeases } from './lease.js';
import { findStuck } from './linearizable.js';

export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly events: readonly HistoryEvent[];
}

const PERMITS = 2;

export function checkHistory(events: readonly HistoryEvent[]): readonly Violation[] {
  const leases = readLeases(events);
  const eventsOf = (about: readonly Granted[]): HistoryEvent[] =>
    events.filter(({ id }) => about.some((lease) => lease.id === id));
  const certain = leases.flatMap((a) => {
    const others = leases.filter((b) => b !== a && b.operation.resource === a.operation.resource);
    const found = a.operation.kind === 'permit' ? tooMany(a, others) : conflicts(a, others);
    return found.map(({ rule, message, about }) => ({
      rule,
      message: `"${a.operation.resource}", ${a.id}: ${message}`,
      events: eventsOf([a, ...about]),
    }));
  });
  const linear = resourcesOf(leases).flatMap(([resource, all]) => {
    const stuck = findStuck(all);
    const message = `"${resource}": ${stuck?.message}`;
    return stuck ? [{ rule: 'linearizability', message, events: eventsOf(stuck.leases) }] : [];
  });
  return [...certain, ...linear];
}

/** A permit is a lease on one of several slots, which the history does not name; those are only counted. */
function resourcesOf(leases: readonly Granted[]): readonly [string, Granted[]][] {
  const resources = new Map<string, Granted[]>();
  for (const lease of leases) {
    const { kind, resource } = lease.operation;
    if (kind !== 'permit') resources.set(resource, [...(resources.get(resource) ?? []), lease]);
  }
  return [...resources];
}

interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly about: readonly Granted[];
}

function tooMany(a: Granted, others: readonly Granted[]): Finding[] {
  return startsOf(a).flatMap((from) => {
    const about = others.filter((b) => isValidAt(b, from));
    return about.length < PERMITS
      ? []
      : [{ rule: 'exclusion', message: `a permit too many at ${from}`, about }];
  });
}

function conflicts(a: Granted, others: readonly Granted[]): Finding[] {
  return others.flatMap((b) => {
    const found: Finding[] = [];
    const violated = (rule: string, message: string): unknown => found.push({ rule, message, about: [b] });
    const readers = a.operation.kind === 'shared' && b.operation.kind === 'shared';
    const beside = startsOf(a).find((from) => isValidAt(b, from));
    if (beside !== undefined && !readers) violated('exclusion', `valid beside ${b.id} at ${beside}`);
    if (beside !== undefined && readers && a.token !== b.token) {
      violated('order', `has token ${a.token}, and ${b.id} beside it ${b.token}`);
    }
    if (a.token === b.token && !readers) violated('order', `has the token ${a.token} of ${b.id}`);
    if (a.at < b.asked && b.token < a.token) violated('order', `${a.token} before ${b.id} with ${b.token}`);
    if (a.token < b.token && a.extended.some(({ asked }) => b.at < asked)) {
      violated('order', `extended although ${b.id} had been granted since`);
    }
    return found;
  });
}

const startsOf = (lease: Granted): number[] =>
  lease.spans.filter(({ from, until }) => from < Math.min(until, lease.ended)).map(({ from }) => from);

const isValidAt = (lease: Granted, time: number): boolean =>
  time < lease.ended && lease.spans.some(({ from, until }) => from <= time && time < until);
