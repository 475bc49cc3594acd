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

type OfWorkflow = Pick<ListRequest, 'workflow' | 'isOver'>;

const EVER = { earliest: 0, latest: Number.POSITIVE_INFINITY };

export function listOf(
  lives: ReadonlyMap<string, Life>,
  ended: Ended,
  { workflow, isOver, from = '0', most = 0, state, since = EVER }: Partial<ListRequest> & OfWorkflow,
): Listed {
  const live = [...lives.values()].map(({ run, word }) => ({ run, state: STATES[word], since: 0 }));
  const over = [...ended].map(([run, { state, since }]) => ({ run, state, since }));
  const after = from.startsWith('~') ? from.slice(1) : '';
  const runs = (isOver ? over : live)
    .filter(({ run }) => (workflow === '' || workflowOf(run) === workflow) && run > after)
    .filter((each) => state === undefined || each.state === state)
    .filter((each) => each.since >= since.earliest && each.since < since.latest)
    .sort((one, other) => (one.run < other.run ? -1 : 1));
  const some = most === 0 ? runs : runs.slice(0, most);
  return { next: some.length < runs.length ? `~${some.at(-1)?.run}` : '0', runs: some };
}

export function countsOf(lives: ReadonlyMap<string, Life>, ended: Ended, workflow: string): RunCounts {
  const both = [true, false].flatMap((isOver) => listOf(lives, ended, { workflow, isOver }).runs);
  const count = (state: RunState): number => both.filter((each) => each.state === state).length;
  return Object.fromEntries(RUN_STATES.map((state) => [state, count(state)])) as RunCounts;
}
