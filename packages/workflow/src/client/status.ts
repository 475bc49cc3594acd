/**
 * What a run does, as a person reads it.
 */
import type { Found } from '../store/store.js';
import { outcomeOf } from './waits.js';

export interface RunStatus {
  /** "waiting": for a worker, or for its key. "delayed": it begins later. "sleeping": for a time or a message, without a worker. "stuck": for somebody who mends it. */
  readonly status:
    | 'waiting'
    | 'delayed'
    | 'running'
    | 'sleeping'
    | 'stuck'
    | 'completed'
    | 'failed'
    | 'cancelled';
  /** Why it is stuck, has failed or was cancelled; and of one that waits for a worker that there is not, for which. */
  readonly reason: string | undefined;
}

export type FoundRun = Exclude<Found, { word: 'unknown' | 'gen' }>;

const STATUS = {
  ready: 'waiting',
  line: 'waiting',
  delayed: 'delayed',
  owned: 'running',
  parked: 'sleeping',
  stuck: 'stuck',
} as const;

/** Throws CodecError. */
export function statusOf(workflow: string, { word, detail }: FoundRun): RunStatus {
  if (word === 'stuck') return { status: word, reason: detail };
  if (word !== 'over') {
    return { status: STATUS[word], reason: detail === '' ? undefined : unserved(workflow, detail) };
  }
  const outcome = outcomeOf(detail);
  if (outcome.status === 'failed') return { status: 'failed', reason: outcome.error.message };
  return { status: outcome.status, reason: outcome.status === 'cancelled' ? outcome.reason : undefined };
}

function unserved(workflow: string, build: string): string {
  if (build === '0') return `no worker has "${workflow}"`;
  const which = build.endsWith('=')
    ? `in build ${build.slice(0, -1)}, to which the run is pinned`
    : `in build ${build} or a higher one`;
  return `no worker has "${workflow}" ${which}`;
}
