/** Histories by hand: each call is written as one, with its times; `history` sorts out the lines. */
import type { HistoryEvent, Operation, Result } from '../../src/history/event.js';

export interface Written {
  readonly id: string;
  readonly resource: string;
  readonly asked: number;
  readonly done: number | 'open';
  readonly operation: Readonly<Record<string, unknown>>;
  readonly outcome: Result | 'busy' | 'lost' | 'unknown';
}

type Kind = 'exclusive' | 'shared' | 'permit';

/** `until` may be left out if `token` is an outcome, and everything if the call stays open. */
export const acquire = (
  id: string,
  asked: number,
  done: number | 'open',
  ...[token = 'unknown', until = 0, kind = 'exclusive']: [(number | 'busy' | 'unknown')?, number?, Kind?]
): Written => ({
  id,
  resource: kind === 'permit' ? 'pool' : 'r',
  asked,
  done,
  operation: { f: 'acquire', kind, ttl: 100 },
  outcome: typeof token === 'number' ? { token, validUntil: until } : token,
});

export const extend = (
  lease: string,
  asked: number,
  done: number | 'open',
  until: number | 'lost' | 'unknown',
): Written => ({
  id: `${lease}.extend.${asked}`,
  resource: 'r',
  asked,
  done,
  operation: { f: 'extend', lease, ttl: 100 },
  outcome: typeof until === 'number' ? { how: 'kept', validUntil: until } : until,
});

export const release = (lease: string, asked: number, done: number | 'open'): Written => ({
  id: `${lease}.release.${asked}`,
  resource: 'r',
  asked,
  done,
  operation: { f: 'release', lease },
  outcome: {},
});

export const write = (lease: string, asked: number, done: number, token: number): Written => ({
  id: `${lease}.write.${asked}`,
  resource: 'r',
  asked,
  done,
  operation: { f: 'write', lease, token },
  outcome: { token },
});

export function history(...calls: readonly Written[]): readonly HistoryEvent[] {
  return calls.flatMap(eventsOf).sort((a, b) => a.at - b.at);
}

function eventsOf({ id, resource, asked, done, operation, outcome }: Written): HistoryEvent[] {
  const common = { process: 'p', id } as const;
  const called = { ...operation, resource } as unknown as Operation;
  const events: HistoryEvent[] = [{ at: asked, ...common, type: 'invoke', operation: called }];
  if (done === 'open') return events;
  if (typeof outcome === 'object') events.push({ at: done, ...common, type: 'ok', result: outcome });
  else if (outcome === 'unknown')
    events.push({ at: done, ...common, type: 'unknown', error: 'UnavailableError: too few' });
  else {
    const error = outcome === 'lost' ? 'LeaseLostError: is lost' : 'BusyError: is held';
    events.push({ at: done, ...common, type: 'refused', error });
  }
  return events;
}
