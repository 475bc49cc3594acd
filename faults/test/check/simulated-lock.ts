/**
 * Histories of a lock that is right by construction: it decides one grant after another at moments of its own, and the
 * calls around those moments are as long as chance wills. And ways to break such a history so that it is surely wrong.
 */
import type { Random } from '@holdfast/kernel';
import type { HistoryEvent } from '../../src/history/event.js';
import { acquire, extend, history, release, type Written } from './write-history.js';

export const MUTATIONS = [
  'swap tokens',
  'drop a release',
  'extend validity',
  'duplicate a grant',
  'extend after the next grant',
] as const;

/** One resource that is held or read, "r", and a semaphore of two permits, "pool". */
export function simulateLock(random: Random, { grants }: { readonly grants: number }) {
  const slots = [1, 2].flatMap((slot) => simulateMutex(random, { grants: grants / 4, prefix: `s${slot}-` }));
  const permits = slots.map((call) => ({
    ...call,
    resource: 'pool',
    operation: call.operation['f'] === 'acquire' ? { ...call.operation, kind: 'permit' } : call.operation,
  }));
  // Two calls of one lease may begin at one moment.
  const calls = [...simulateMutex(random, { grants, prefix: '' }), ...permits].map((call, index) =>
    call.operation['f'] === 'acquire' ? call : { ...call, id: `${call.id}.${index}` },
  );
  return history(...calls);
}

function simulateMutex(random: Random, { grants, prefix }: { grants: number; prefix: string }): Written[] {
  const upTo = (limit: number): number => Math.floor(random.unit() * limit);
  const calls: Written[] = [];
  let [free, token] = [100, 0];
  for (let index = 0; index < grants; index += 1) {
    token += 1 + upTo(3);
    const readers = prefix === '' && upTo(4) === 0 ? 1 + upTo(3) : 0;
    const ends = Array.from({ length: Math.max(1, readers) }, (_, place) => {
      const id = `${prefix}${index}.${place}`;
      const kind = readers > 0 ? 'shared' : 'exclusive';
      const moment = free + upTo(20);
      const done = moment + upTo(15);
      const until = moment + 40 + upTo(160);
      calls.push(acquire(id, moment - upTo(100), done, token, until, kind));
      return simulateHolder({ id, calls, upTo }, done, until);
    });
    if (upTo(3) === 0) {
      const outcome = upTo(2) ? 'busy' : 'unknown';
      calls.push(acquire(`${prefix}${index}.x`, free, upTo(2) ? 'open' : free + upTo(50), outcome));
    }
    free = Math.max(...ends);
  }
  return calls;
}

interface Holder {
  readonly id: string;
  readonly calls: Written[];
  readonly upTo: (limit: number) => number;
}

/** Returns the moment from which the lease is in nobody's way. */
function simulateHolder({ id, calls, upTo }: Holder, granted: number, promised: number): number {
  let [now, until] = [granted, promised];
  while (upTo(2) === 0) {
    const asked = now + upTo(until - now > 0 && upTo(4) > 0 ? until - now : 250);
    const moment = asked + upTo(10);
    now = moment + upTo(10);
    if (upTo(6) === 0) {
      calls.push(extend(id, asked, now, 'unknown'));
      continue;
    }
    until = moment + 20 + upTo(180);
    calls.push(extend(id, asked, now, until));
  }
  now += upTo(60);
  const moment = now + upTo(10);
  const lot = upTo(8);
  if (lot < 4) calls.push(release(id, now, moment + upTo(10)));
  else if (lot === 4) calls.push(release(id, now, 'open'));
  else if (lot === 5) calls.push(extend(id, now, moment + upTo(10), 'lost'));
  else return Math.max(now, until); // forgotten, or crashed
  return moment;
}

/** Undefined if nothing in the history can be broken in this way. */
export function breakHistory(
  events: readonly HistoryEvent[],
  mutation: (typeof MUTATIONS)[number],
  random: Random,
): readonly HistoryEvent[] | undefined {
  const found = pairsOf(events).flatMap((pair) => {
    const broken = breakPair(events, mutation, pair);
    return broken ? [broken] : [];
  });
  return found[Math.floor(random.unit() * found.length)];
}

interface Grant {
  readonly id: string;
  readonly asked: number;
  readonly done: number;
  readonly token: number;
  readonly kind: string;
  /** What its holder could rely on when it was granted. */
  readonly until: number;
}

type Pair = readonly [Grant, Grant];

/** Each grant of "r" with the one after it. */
function pairsOf(events: readonly HistoryEvent[]): Pair[] {
  const grants = events.flatMap(({ id, at, ...invoke }) => {
    if (invoke.type !== 'invoke' || invoke.operation.f !== 'acquire' || invoke.operation.resource !== 'r')
      return [];
    const answer = events.find((event) => event.id === id && event.type === 'ok');
    if (answer?.type !== 'ok') return [];
    const { token = 0, validUntil: until = 0 } = answer.result;
    return [{ id, asked: at, done: answer.at, token, kind: invoke.operation.kind, until }];
  });
  grants.sort((a, b) => a.token - b.token);
  return grants.slice(1).flatMap((next, index): Pair[] => {
    const grant = grants[index];
    return grant && grant.token < next.token ? [[grant, next]] : [];
  });
}

function breakPair(
  events: readonly HistoryEvent[],
  mutation: (typeof MUTATIONS)[number],
  [a, b]: Pair,
): readonly HistoryEvent[] | undefined {
  const ofA = events.filter((event) => event.type === 'invoke' && leaseOf(event) === a.id);
  const ids = new Set([a.id, ...ofA.map(({ id }) => id)]);
  const last = events.findLast(
    (event) => event.type === 'ok' && ids.has(event.id) && event.result.validUntil,
  );
  const until = last?.type === 'ok' ? (last.result.validUntil ?? 0) : 0;
  const promised = Math.max(
    0,
    ...events.map((event) => (event.type === 'ok' && ids.has(event.id) ? (event.result.validUntil ?? 0) : 0)),
  );
  const releases = new Set(ofA.filter((event) => isRelease(event)).map(({ id }) => id));
  const lost = events.some((event) => event.type === 'refused' && ids.has(event.id));
  const change = (id: string, result: object): HistoryEvent[] =>
    events.map((event) =>
      event.type === 'ok' && event.id === id ? { ...event, result: { ...event.result, ...result } } : event,
    );
  switch (mutation) {
    case 'swap tokens':
      if (a.kind !== 'exclusive' || b.kind !== 'exclusive' || a.done >= b.asked) return undefined;
      return change(a.id, { token: b.token }).map((event) =>
        event.type === 'ok' && event.id === b.id
          ? { ...event, result: { ...event.result, token: a.token } }
          : event,
      );
    case 'drop a release':
      if (releases.size === 0 || b.done >= until) return undefined;
      return events.filter(({ id }) => !releases.has(id));
    case 'extend validity':
      // A grant that had run out when its answer came excludes nobody; and what an earlier answer had promised is no news.
      if (releases.size > 0 || lost || !last || b.until <= b.done + 1 || promised > b.done) return undefined;
      return change(last.id, { validUntil: b.done + 1 });
    case 'duplicate a grant':
      if (a.kind !== 'exclusive') return undefined;
      return events.flatMap((event) => (event.id === a.id ? [event, { ...event, id: 'twice' }] : [event]));
    case 'extend after the next grant':
      return [...events, ...history(extend(a.id, b.done + 1, b.done + 9, b.done + 99))].sort(
        (one, other) => one.at - other.at,
      );
  }
}

const leaseOf = (event: HistoryEvent): string | undefined =>
  event.type === 'invoke' && (event.operation.f === 'extend' || event.operation.f === 'release')
    ? event.operation.lease
    : undefined;

const isRelease = (event: HistoryEvent): boolean =>
  event.type === 'invoke' && event.operation.f === 'release';
