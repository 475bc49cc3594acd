/**
 * A first check of a history: leases of which both were certainly valid at some moment exclude each other, and a lease
 * that was asked for after another was granted has a higher token.
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
  /** When its holder gave it back, or asked for an extension that told it was lost. */
  ended: number;
}

const PERMITS = 2;

export function checkHistory(events: readonly HistoryEvent[]): readonly Violation[] {
  const leases = readLeases(events);
  const violation = (rule: string, message: string, ...about: readonly Granted[]): Violation => ({
    rule,
    message,
    events: events.filter(({ id }) => about.some((lease) => lease.id === id)),
  });
  return leases.flatMap((a) => {
    const others = leases.filter((b) => b !== a && b.operation.resource === a.operation.resource);
    const { kind, resource } = a.operation;
    const later = others.filter((b) => a.at < b.asked);
    const bothShared = (b: Granted): boolean => kind === 'shared' && b.operation.kind === 'shared';
    const unordered = later.filter((b) => (bothShared(b) ? b.token < a.token : b.token <= a.token));
    const found =
      kind === 'permit'
        ? []
        : unordered.map((b) => violation('order', `"${resource}": ${b.token} after ${a.token}`, a, b));
    for (const from of startsOf(a)) {
      const beside = others.filter((b) => isValidAt(b, from));
      const conflicting = kind === 'permit' ? beside.length >= PERMITS : beside.some((b) => !bothShared(b));
      if (conflicting)
        found.push(violation('exclusion', `"${resource}": both valid at ${from}`, a, ...beside));
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
    if (operation.f === 'extend') leases.get(operation.lease)?.spans.push(span);
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
      ended: Number.POSITIVE_INFINITY,
    });
  }
  return [...leases.values()];
}
