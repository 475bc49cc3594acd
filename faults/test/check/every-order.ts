/**
 * The model of the lock as a machine, and a search through all orders of the calls on one exclusive resource: slow, and
 * plainly right. It shares nothing with the check but the history's events.
 */
import type { HistoryEvent, Operation } from '../../src/history/event.js';

type Step = 'acquire' | 'extend' | 'end';

interface Call {
  readonly step: Step;
  readonly lease: string;
  readonly asked: number;
  /** Infinity: it may happen at any time, or never. */
  readonly done: number;
  readonly token: number;
  readonly until: number;
}

interface State {
  readonly now: number;
  readonly lease: string;
  readonly token: number;
  readonly until: number;
  readonly over: boolean;
  readonly ended: ReadonlySet<string>;
}

export function canBeOrdered(events: readonly HistoryEvent[]): boolean {
  const start = { now: 0, lease: '', token: 0, until: 0, over: true, ended: new Set<string>() };
  return search(readCalls(events), start);
}

function search(left: readonly Call[], state: State): boolean {
  if (left.every(({ done }) => done === Number.POSITIVE_INFINITY)) return true;
  return left.some((call) => {
    const next = step(state, call);
    return (
      next !== undefined &&
      search(
        left.filter((other) => other !== call),
        next,
      )
    );
  });
}

/** The state after the call, at the earliest moment; undefined if it is not allowed, or not in time. */
function step(state: State, { step: kind, lease, asked, done, token, until }: Call): State | undefined {
  const soonest = Math.max(state.now, asked);
  const now = kind === 'acquire' && !state.over ? Math.max(soonest, state.until) : soonest;
  if (now > done) return undefined;
  if (kind === 'acquire')
    return token > state.token
      ? { now, lease, token, until, over: state.ended.has(lease), ended: state.ended }
      : undefined;
  if (kind === 'extend')
    return state.lease === lease && !state.ended.has(lease) ? { ...state, now, until } : undefined;
  const ended = new Set([...state.ended, lease]);
  return { ...state, now, ended, over: state.over || state.lease === lease };
}

function readCalls(events: readonly HistoryEvent[]): Call[] {
  return events.flatMap((event) => {
    if (event.type !== 'invoke' || event.operation.f === 'write') return [];
    const answer = events.find((other) => other.id === event.id && other.type !== 'invoke');
    const ok = answer?.type === 'ok' ? answer.result : undefined;
    const step = stepOf(event.operation, answer);
    if (step === undefined) return [];
    const lease = event.operation.f === 'acquire' ? event.id : event.operation.lease;
    const done = answer?.at ?? Number.POSITIVE_INFINITY;
    return [{ step, lease, asked: event.at, done, token: ok?.token ?? 0, until: ok?.validUntil ?? 0 }];
  });
}

function stepOf({ f }: Operation, answer: HistoryEvent | undefined): Step | undefined {
  if (f === 'release' || (f === 'extend' && answer?.type === 'refused')) return 'end';
  if (answer?.type !== 'ok') return undefined;
  return f === 'acquire' ? 'acquire' : 'extend';
}
