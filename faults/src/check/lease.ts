/**
 * The leases of a history: what was granted, what its holder could rely on, and when it stopped to.
 */
import type { HistoryEvent, Operation } from '../history/event.js';

export interface Granted {
  readonly id: string;
  readonly operation: Extract<Operation, { f: 'acquire' }>;
  readonly asked: number;
  readonly at: number;
  readonly token: number;
  /** Spans during which its holder could rely on it. */
  readonly spans: { readonly from: number; readonly until: number }[];
  /** The extensions that succeeded: when they were asked for, and when that was known. */
  readonly extended: { readonly asked: number; readonly at: number }[];
  /** When its holder gave it back, or asked for an extension that told it was lost. */
  ended: number;
}

export function readLeases(events: readonly HistoryEvent[]): readonly Granted[] {
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
    if (extended) extend(extended, span, call.at);
    if (operation.f !== 'acquire') continue;
    const { token = 0 } = event.result;
    leases.set(event.id, {
      ...{ id: event.id, operation, token, asked: call.at, at: event.at },
      ...{ spans: [span], extended: [], ended: Number.POSITIVE_INFINITY },
    });
  }
  return [...leases.values()];
}

/** What was promised before holds until the answer, and no longer: an extend may be shorter. */
function extend(lease: Granted, span: { from: number; until: number }, asked: number): void {
  const last = lease.spans.pop();
  if (last) lease.spans.push({ from: last.from, until: Math.min(last.until, span.from) });
  lease.spans.push(span);
  lease.extended.push({ asked, at: span.from });
}
