/**
 * Models that are asked during a search, with a deadline: what is late or fails is left out, and the search says so.
 *
 * Guarantees: the model's signal is aborted when its time is over; a caller's signal ends the wait with an AbortedError.
 */
import { AbortedError, type Clock, onAbort, pause, throwIfAborted } from '@holdfast/kernel';
import type { Embedder } from '../embed/embedder.js';
import type { Vector } from '../index/metric.js';

/** A part of a search that was left out. */
export interface Degradation {
  readonly part: 'embedding' | 'rerank';
  readonly reason: 'deadline' | 'failure';
  /** What was thrown. */
  readonly error?: unknown;
}

export type InTime<R> =
  | { readonly outcome: 'done'; readonly value: R }
  | { readonly outcome: 'late' }
  | { readonly outcome: 'failed'; readonly error: unknown };

interface Limits {
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** Whether `work` has ended in time; its signal is aborted if not. Throws AbortedError when the caller's signal aborts. */
export async function inTime<R>(
  clock: Clock,
  { deadline, signal }: Limits,
  work: (signal: AbortSignal) => Promise<R> | R,
): Promise<InTime<R>> {
  throwIfAborted(signal, 'a model was asked');
  const ended = new AbortController();
  const over = new AbortController();
  const leave = onAbort(signal, () => ended.abort(signal?.reason));
  const done = (async (): Promise<InTime<R>> => {
    try {
      return { outcome: 'done', value: await work(ended.signal) };
    } catch (error) {
      return { outcome: 'failed', error };
    }
  })();
  const late = pause(clock, deadline, signal, over.signal).then((): InTime<R> => ({ outcome: 'late' }));
  const first = await Promise.race([done, late]);
  leave();
  over.abort();
  if (signal?.aborted) throw new AbortedError('Aborted while a model was asked.', signal.reason);
  if (first.outcome === 'late') ended.abort(new Error(`The deadline of ${deadline} ms is over.`));
  return first;
}

/** The vector of a text; undefined if it is late or fails, and then `degraded` says so. Throws AbortedError. */
export async function embedInTime(
  embedder: Pick<Embedder, 'embed'>,
  text: string,
  { clock, degraded, ...limits }: Limits & { readonly clock: Clock; readonly degraded: Degradation[] },
): Promise<Vector | undefined> {
  const embedded = await inTime(clock, limits, (signal) => embedder.embed([text], { signal }));
  if (embedded.outcome === 'done') return embedded.value[0];
  degraded.push(
    embedded.outcome === 'late'
      ? { part: 'embedding', reason: 'deadline' }
      : { part: 'embedding', reason: 'failure', error: embedded.error },
  );
  return undefined;
}
