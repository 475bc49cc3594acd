/** The keys and names of the app that is simulated. */
import type { RunOfPlan } from './plan.js';

export const APP = 'w';

/** Why runs are terminated. */
export const TERMINATED = 'the plan terminates it';

export const key = (name: string): string => `{wf:${APP}.0}:${name}`;

/** What a run of the plan is called in Redis. */
export const runOf = ({ id, key: place = id }: RunOfPlan): string => `tree/${place}/${id}`;

/** What a run is called in Redis that was started with an id, and perhaps a key. */
export const runNamed = (workflow: string, id: string, key = id): string =>
  [workflow, encodeURIComponent(key), encodeURIComponent(id)].join('/');

export const workflowOf = (run: string): string => run.slice(0, run.indexOf('/'));

/** Runs of one key, and no others, have it in common. Undefined for a run without a key. */
export function lineOf(run: string): string | undefined {
  const [workflow, place, name = ''] = run.split('/');
  return place === name || name.startsWith('~') ? undefined : `${workflow}/${place}`;
}
