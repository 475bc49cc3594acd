/** @holdfast/workflow: any worker takes the run, or its starter owns it from its start. */
import { createWorkflows, defineWorkflow, type Workflows } from '@holdfast/workflow';
import type { Opened, Peer, Role } from './peer.js';

const CONCURRENCY = 200;

const noop = defineWorkflow({ name: 'noop' }, async (ctx, steps: number) => {
  let done = 0;
  while (done < steps) done += await ctx.step('noop', () => 1);
  return done;
});

const lapped = defineWorkflow({ name: 'lapped' }, async (ctx, steps: number) => {
  const laps: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    const since = performance.now();
    await ctx.step('noop', () => 1);
    laps.push(performance.now() - since);
  }
  return laps;
});

function open(
  redis: string,
  role: Role,
  run: (workflows: Workflows, steps: number) => Promise<number>,
): Opened {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [noop, lapped] });
  if (role !== 'client') workflows.work({ concurrency: CONCURRENCY });
  return {
    run: (steps) => run(workflows, steps),
    laps: (steps) => workflows.run(lapped, steps),
    close: () => workflows.close(),
  };
}

export const holdfast: Peer = {
  name: 'Holdfast',
  package: '@holdfast/workflow',
  isSplit: true,
  open: async ({ redis }, role) =>
    open(redis, role, async (workflows, steps) => (await workflows.start(noop, steps)).result()),
};

/** `run` in place of `start` and `result`: the process that waits for the result has the run, if it has room. */
export const holdfastOwned: Peer = {
  name: 'Holdfast, run()',
  package: undefined,
  isSplit: false,
  open: async ({ redis }, role) => {
    const { run, close } = open(redis, role, (workflows, steps) => workflows.run(noop, steps));
    return { run, close }; // a step inside a run takes the same
  },
};
