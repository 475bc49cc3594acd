/**
 * Judges a history: whether the clients' observations can be explained by the model of the lock, and whether each
 * single promise held. Pure. It finds violations that the history proves, and cannot find those that no client could
 * notice.
 */
import type { HistoryEvent } from '../history/event.js';
import { group } from './group.js';
import { type GrantedLease, readCalls, readLeases } from './leases.js';
import { findMisfit } from './linearization.js';
import { type Finding, judgeExclusion, judgeTokens, judgeWrites } from './rules.js';

export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly events: readonly HistoryEvent[];
}

export interface CheckOptions {
  /** How many permits each semaphore has; one that is not named is not judged. */
  readonly permits: ReadonlyMap<string, number>;
}

export function checkHistory(
  events: readonly HistoryEvent[],
  { permits }: CheckOptions = { permits: new Map() },
): readonly Violation[] {
  const calls = readCalls(events);
  const leases = group(readLeases(calls), ({ resource }) => resource);
  const accepted = calls.flatMap(({ id, at, operation, answer }) => {
    if (operation.f !== 'write' || answer?.type !== 'ok') return [];
    return [{ id, resource: operation.resource, token: operation.token, asked: at, done: answer.at }];
  });
  const writes = group(accepted, ({ resource }) => resource);
  const found = [
    ...[...leases].flatMap(([name, granted]) => judgeResource(granted, permits.get(name)).map(named(name))),
    ...[...writes].flatMap(([name, each]) => judgeWrites(each).map(named(name))),
  ];
  return found.map(({ rule, message, about }) => ({ rule, message, events: eventsOf(events, about) }));
}

function judgeResource(leases: readonly GrantedLease[], permits: number | undefined): readonly Finding[] {
  const slots = leases.filter(({ kind }) => kind === 'permit');
  const whole = leases.filter(({ kind }) => kind !== 'permit');
  const misfit = findMisfit(whole);
  return [
    ...(misfit
      ? [{ rule: 'linearizability', message: misfit.why, about: misfit.leases.map(({ id }) => id) }]
      : []),
    ...judgeTokens(whole),
    ...judgeExclusion(whole),
    ...(permits === undefined ? [] : judgeExclusion(slots, permits)),
  ];
}

const named =
  (resource: string) =>
  (finding: Finding): Finding => ({ ...finding, message: `"${resource}": ${finding.message}` });

/** All events of these operations, and of the operations under these leases, except writes. */
function eventsOf(events: readonly HistoryEvent[], about: readonly string[]): readonly HistoryEvent[] {
  const ids = new Set(about);
  for (const event of events) {
    if (event.type !== 'invoke') continue;
    const { operation } = event;
    if ((operation.f === 'extend' || operation.f === 'release') && ids.has(operation.lease))
      ids.add(event.id);
  }
  return events.filter(({ id }) => ids.has(id));
}
