/**
 * The leases in a history: when each was asked for and granted, under which token, until when its holder could rely on
 * it, and when that ended.
 *
 * An acquire that was refused, or whose outcome is unknown or open, yields no lease: nobody can rely on it, and locks
 * that it may have taken only keep others out. Nor does an extend with an unknown outcome count: the holder relies on
 * the validity that it knew before.
 */
import type { HistoryEvent, Operation } from '../history/event.js';
import { group } from './group.js';

const never = Number.POSITIVE_INFINITY;

/** A result that promised validity, of the acquire or of an extend. */
interface Promised {
  readonly asked: number;
  readonly done: number;
  readonly until: number;
}

export interface GrantedLease {
  /** The id of its acquire operation. */
  readonly id: string;
  readonly kind: 'exclusive' | 'shared' | 'permit';
  readonly resource: string;
  readonly token: number;
  readonly grant: Promised;
  /** The extends that succeeded, by the time of their results. */
  readonly extensions: readonly Promised[];
  /**
   * When its holder ceased to rely on it: it asked for the release, or for an extend that said that the lease is lost.
   */
  readonly endAsked: number;
  /** When that end had certainly happened. */
  readonly endDone: number;
}

interface Call {
  readonly id: string;
  readonly at: number;
  readonly operation: Operation;
  readonly answer: Exclude<HistoryEvent, { type: 'invoke' }> | undefined;
}

export function readCalls(events: readonly HistoryEvent[]): readonly Call[] {
  const answers = new Map<string, Call['answer']>();
  for (const event of events) {
    if (event.type !== 'invoke' && !answers.has(event.id)) answers.set(event.id, event);
  }
  return events.flatMap((event) => {
    if (event.type !== 'invoke') return [];
    const { id, at, operation } = event;
    return [{ id, at, operation, answer: answers.get(id) }];
  });
}

export function readLeases(calls: readonly Call[]): readonly GrantedLease[] {
  const after = group(calls, ({ operation }) => (operation.f === 'acquire' ? undefined : operation.lease));
  return calls.flatMap((call) => {
    const { id, operation, answer } = call;
    if (operation.f !== 'acquire' || answer?.type !== 'ok') return [];
    const { kind, resource } = operation;
    const { token = 0 } = answer.result;
    const later = after.get(id) ?? [];
    const extensions = later
      .flatMap((each) => (each.operation.f === 'extend' ? promisedBy(each) : []))
      .sort((a, b) => a.done - b.done);
    const ends = later.filter(isEnd);
    return promisedBy(call).map((grant) => ({
      id,
      kind,
      resource,
      token,
      grant,
      extensions,
      endAsked: Math.min(...ends.map(({ at }) => at)),
      endDone: Math.min(...ends.map(({ answer: end }) => (end?.type === 'unknown' || !end ? never : end.at))),
    }));
  });
}

/** The spans in which the holder could certainly rely on it. A shorter validity replaces a longer one. */
export function certainSpans({ grant, extensions, endAsked }: GrantedLease): readonly Span[] {
  const promises = [grant, ...extensions];
  return promises
    .map(({ done, until }, index) => {
      const replaced = promises.slice(index + 1).map((next) => Math.max(next.done, next.until));
      return { from: done, until: Math.min(until, endAsked, ...replaced) };
    })
    .filter(({ from, until }) => from < until);
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

function promisedBy({ at, answer }: Call): readonly Promised[] {
  if (answer?.type !== 'ok') return [];
  return [{ asked: at, done: answer.at, until: answer.result.validUntil ?? answer.at }];
}

const isEnd = ({ operation, answer }: Call): boolean =>
  operation.f === 'release' ||
  (operation.f === 'extend' && answer?.type === 'refused' && answer.error.startsWith('LeaseLostError'));
