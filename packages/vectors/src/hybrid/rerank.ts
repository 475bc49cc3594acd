/**
 * A better order by a model that reads the query and the hits, if it answers in time.
 *
 * Guarantees: after the deadline, or if the model fails, the hits are told in the order that they had, with the reason; the
 * model's signal is aborted then. A caller's signal ends it with an AbortedError.
 */
import {
  abortSignal,
  type Clock,
  display,
  duration,
  MisuseError,
  optional,
  orSystemClock,
  readOptions,
  throwIfAborted,
  withDefault,
} from '@holdfast/kernel';
import type { Hit } from '../index/finding.js';
import { inTime } from './in-time.js';

/** A score for each hit, in their order; higher is better. */
export type Reranker<T> = (
  query: string,
  hits: readonly T[],
  signal: AbortSignal,
) => Promise<ArrayLike<number>> | ArrayLike<number>;

export interface RerankOptions {
  /** How long the model may take, in ms. Default 500. */
  readonly deadline?: number;
  /** Ends it with an AbortedError. */
  readonly signal?: AbortSignal;
  /** Default the system's. */
  readonly clock?: Clock;
}

const RERANK = {
  deadline: withDefault(duration({ min: 1 }), 500),
  signal: optional(abortSignal),
  clock: orSystemClock,
};

export interface Reranked<T> {
  /** With the scores of the model, or else as they were. */
  readonly hits: readonly T[];
  /** Why the order is the one of before; undefined if it is the model's. */
  readonly degraded:
    | undefined
    | { readonly reason: 'deadline' }
    | { readonly reason: 'failure'; readonly error: unknown };
}

/** Throws MisuseError if the model does not give a finite number for each hit, and AbortedError. */
export async function rerank<T extends Hit>(
  query: string,
  hits: readonly T[],
  { by, ...options }: RerankOptions & { readonly by: Reranker<T> },
): Promise<Reranked<T>> {
  const { deadline, signal, clock } = readOptions('rerank', options, RERANK);
  throwIfAborted(signal, 'hits were put in order');
  if (hits.length === 0) return { hits, degraded: undefined };
  const scored = await inTime(clock, { deadline, signal }, (ended) => by(query, hits, ended));
  if (scored.outcome !== 'done') {
    return {
      hits,
      degraded:
        scored.outcome === 'late' ? { reason: 'deadline' } : { reason: 'failure', error: scored.error },
    };
  }
  const scores = Array.from(scored.value);
  const wrong = scores.findIndex((score) => !Number.isFinite(score));
  if (scores.length !== hits.length || wrong >= 0) {
    const got = scores.length !== hits.length ? `${scores.length} of them` : display(scores[wrong]);
    throw new MisuseError(`A reranker gives a finite number for each of ${hits.length} hits; got ${got}.`);
  }
  const order = hits.map((hit, at) => ({ ...hit, score: scores[at]! }));
  // Of equal scores, the order of before.
  return { hits: order.sort((a, b) => b.score - a.score), degraded: undefined };
}
