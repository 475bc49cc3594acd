/**
 * What operators see of a partition in memory: what lua/list.lua and lua/count.lua do. For tests of workflows only.
 */
import { type Life, workflowOf } from './memory-dispatch.js';
import { type Listed, type ListRequest, RUN_STATES, type RunCounts, type RunState } from './run-store.js';

/** How runs have ended that are kept, and when, in ms. */
export type Ended = ReadonlyMap<string, { readonly state: RunState; readonly since: number }>;

const STATES: Readonly<Record<Life['word'], RunState>> = {
  ready: 'waiting',
  line: 'waiting',
  delayed: 'delayed',
  owned: 'running',
  parked: 'sleeping',
  stuck: 'stuck',
};

export function listOf(
  lives: ReadonlyMap<string, Life>,
  ended: Ended,
  { workflow, isOver }: Pick<ListRequest, 'workflow' | 'isOver'>,
): Listed {
  const live = [...lives.values()].map(({ run, word }) => ({ run, state: STATES[word], since: 0 }));
  const over = [...ended].map(([run, { state, since }]) => ({ run, state, since }));
  const runs = (isOver ? over : live).filter(({ run }) => workflow === '' || workflowOf(run) === workflow);
  return { next: '0', runs };
}

export function countsOf(lives: ReadonlyMap<string, Life>, ended: Ended, workflow: string): RunCounts {
  const both = [true, false].flatMap((isOver) => listOf(lives, ended, { workflow, isOver }).runs);
  const count = (state: RunState): number => both.filter((each) => each.state === state).length;
  return Object.fromEntries(RUN_STATES.map((state) => [state, count(state)])) as RunCounts;
}
