/**
 * The check of a history by what is certain: when a lease was valid, and which operation came after which.
 *
 * Leases that were valid at the same moment must not exclude each other; a lease that was asked for after another had
 * been granted has a higher token; none is extended when a later one has been granted.
 */
import type { HistoryEvent, Operation } from '../history/event.js';

export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly events: readonly HistoryEvent[];
}

interface Granted {
  readonly id: string;
  readonly operation: Extract<Operation, { f: 'acquire' }>;
  readonly asked: number;
  readonly at: number;
  readonly token: number;
  /** Spans during which its holder could rely on it. */
  readonly spans: { readonly from: number; readonly until: number }[];
  /** When the extensions that succeeded were asked for. */
  readonly extended: number[];
  /** When its holder gave it back, or asked for an extension that told it was lost. */
  ended: number;
}

const PERMITS = 2;

export function checkHistory(events: readonly HistoryEvent[]): readonly Violation[] {
  const leases = readLeases(events);
  return leases.flatMap((a) => {
    const others = leases.filter((b) => b !== a && b.operation.resource === a.operation.resource);
    const found = a.operation.kind === 'permit' ? tooMany(a, others) : conflicts(a, others);
    return found.map(({ rule, message, about }) => ({
      rule,
      message: `"${a.operation.resource}", ${a.id}: ${message}`,
      events: events.filter(({ id }) => [a, ...about].some((lease) => lease.id === id)),
    }));
  });
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
    if (a.token < b.token && a.extended.some((asked) => b.at < asked)) {
      violated('order', `extended although ${b.id} had been granted since`);
    }
    return found;
  });
}

const startsOf = (lease: Granted): number[] =>
  lease.spans.filter(({ from, until }) => from < Math.min(until, lease.ended)).map(({ from }) => from);

const isValidAt = (lease: Granted, time: number): boolean =>
  time < lease.ended && lease.spans.some(({ from, until }) => from <= time && time < until);

function readLeases(events: readonly HistoryEvent[]): readonly Granted[] {
  const calls = new Map<string, Extract<HistoryEvent, { type: 'invoke' }>>();
  const leases = new Map<string, Granted>();
  for (const event of events) {
    if (event.type === 'invoke') {
      calls.set(event.id, event);
      const { operation } = event;
      const released = operation.f === 'release' && leases.get(operation.lease);
      if (released) released.ended = Math.min(released.ended, event.at);
      continue;
    }
    const call = calls.get(event.id);
    if (call?.operation.f === 'extend' && event.type === 'refused') {
      const lost = leases.get(call.operation.lease);
      if (lost) lost.ended = Math.min(lost.ended, call.at);
    }
    if (!call || event.type !== 'ok' || event.result.validUntil === undefined) continue;
    const { operation } = call;
    const span = { from: event.at, until: event.result.validUntil };
    const extended = operation.f === 'extend' && leases.get(operation.lease);
    if (extended) {
      // What was promised before holds until the answer, and no longer: an extend may be shorter.
      const last = extended.spans.pop();
      if (last) extended.spans.push({ from: last.from, until: Math.min(last.until, event.at) });
      extended.spans.push(span);
      extended.extended.push(call.at);
    }
    if (operation.f !== 'acquire') continue;
    const { token = 0 } = event.result;
    const { id } = event;
    leases.set(id, {
      id,
      operation,
      asked: call.at,
      at: event.at,
      token,
      spans: [span],
      extended: [],
      ended: Number.POSITIVE_INFINITY,
    });
  }
  return [...leases.values()];
}
