/** A simple check of the order of tokens, until there is a better one. */
import type { HistoryEvent } from '../history/event.js';

export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly events: readonly HistoryEvent[];
}

export function checkHistory(events: readonly HistoryEvent[]): readonly Violation[] {
  const invoked = new Map<string, Extract<HistoryEvent, { type: 'invoke' }>>();
  const granted: {
    from: number;
    at: number;
    token: number;
    until: number;
    resource: string;
    event: HistoryEvent;
  }[] = [];
  for (const event of events) {
    if (event.type === 'invoke') invoked.set(event.id, event);
    const call = invoked.get(event.id);
    if (event.type !== 'ok' || call?.operation.f !== 'acquire' || call.operation.kind !== 'exclusive')
      continue;
    const { token = 0, validUntil = 0 } = event.result;
    const { resource } = call.operation;
    granted.push({ from: call.at, at: event.at, token, until: validUntil, resource, event });
  }
  return granted.flatMap((a) =>
    granted.flatMap((b) =>
      a !== b && a.resource === b.resource && a.at < b.from && a.token >= b.token
        ? [{ rule: 'order', message: `token ${b.token} after ${a.token}`, events: [a.event, b.event] }]
        : [],
    ),
  );
}
