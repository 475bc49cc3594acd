/** What several pages show of runs. */
import { pathOf } from './api.js';
import type { Tone } from './parts/layout.js';
import { href } from './router.js';

export const RUN_STATES = [
  'waiting',
  'running',
  'sleeping',
  'delayed',
  'stuck',
  'completed',
  'failed',
  'cancelled',
] as const;
export type RunState = (typeof RUN_STATES)[number];
export type RunCounts = Readonly<Record<RunState, number>>;

export const RUN_LABELS: Readonly<Record<RunState, string>> = {
  waiting: 'Waiting',
  running: 'Running',
  sleeping: 'Sleeping',
  delayed: 'Delayed',
  stuck: 'Stuck',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const RUN_TONES: Readonly<Record<RunState, Tone>> = {
  waiting: 'wait',
  running: 'good',
  sleeping: 'good',
  delayed: 'wait',
  stuck: 'bad',
  completed: 'over',
  failed: 'bad',
  cancelled: 'over',
};

/** Names a run. */
export interface RunRef {
  readonly workflow: string;
  readonly id: string;
  readonly key?: string;
}

/** The page of a run. */
export const runHref = ({ workflow, id, key }: RunRef): string =>
  href('/workflows/:workflow/runs/:id', { workflow, id }, { key });

/** The path of an operation on a run; `more` is what follows its id, such as ":cancel" or "/steps". */
export function runPath({ workflow, id, key }: RunRef, more = ''): string {
  return pathOf(`/v1/workflows/{workflow}/runs/{id}${more}`, { workflow, id }, { key });
}
