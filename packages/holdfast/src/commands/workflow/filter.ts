/** Which runs an action is about, where it is not one. */
import type { RunFilter, RunState } from '@holdfast/workflow';
import { given, masked } from '../../arguments.js';
import { type Call, workflowOf } from './opened.js';
import { FROM, RUN_STATE, TO } from './options.js';

export const STATES: readonly RunState[] = [
  'waiting',
  'delayed',
  'running',
  'sleeping',
  'stuck',
  'completed',
  'failed',
  'cancelled',
];

/** The options that say which. */
export const FILTER = [RUN_STATE, FROM, TO];

/** Throws UsageError. */
export function filterOf(call: Call): RunFilter {
  const { args, context } = call;
  const text = args.text(RUN_STATE);
  const state = STATES.find((known) => known === text);
  if (text !== undefined && state === undefined) {
    throw args.wrong(`--state is one of ${STATES.join(', ')}; got "${masked(text)}"`);
  }
  const now = context.clock.wall() / 1_000;
  return given({
    ...{ workflow: workflowOf(call), state },
    ...{ from: args.time(FROM, now), to: args.time(TO, now) },
  });
}
