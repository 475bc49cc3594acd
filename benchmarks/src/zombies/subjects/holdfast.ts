/** @holdfast/workflow, with its writes behind a guard; and, as a control, the same without the guard. */
import { createRedisGuard } from '@holdfast/fence/redis';
import { createWorkflows, defineWorkflow, type Step, type Worker } from '@holdfast/workflow';
import { type Effects, type Engine, type Servers, STEPS, type Subject } from './subject.js';

/** Of a worker, in ms. */
const LEASE = 300;

type Write = (step: Step, run: string, effects: Effects) => Promise<void>;

async function open({ redis }: Servers, effects: Effects, write: Write): Promise<Engine> {
  let open = 0;
  const flow = defineWorkflow({ name: 'zombie' }, async (ctx, run: string) => {
    for (let step = 0; step < STEPS; step += 1) {
      await ctx.step(`step ${step}`, async (attempt) => {
        open += 1;
        try {
          await effects.moment();
          await write(attempt, run, effects);
          await effects.moment();
          return effects.worker;
        } finally {
          open -= 1;
        }
      });
    }
    return effects.worker;
  });
  const workflows = createWorkflows({ redis, workflows: [flow] });
  const work = (): Worker => workflows.work({ lease: LEASE });
  let works = false;
  return {
    run: async (run) => {
      if (!works) work();
      works = true;
      await workflows.run(flow, run, { id: run }); // which this process has from its start, if it can
      while (open > 0) await effects.moment();
    },
    takeOver: async (run) => {
      await using _other = work();
      await workflows.get(flow, run).result();
    },
    kept: async (run) => JSON.stringify(await workflows.get(flow, run).history()),
  };
}

export const holdfast: Subject = {
  name: 'Holdfast',
  package: undefined,
  takesOver: `by itself, when the lease of ${LEASE} ms is over`,
  isStartedAnew: false,
  share: 1,
  open: async (servers, effects) => {
    const guard = createRedisGuard({ redis: servers.redis });
    return open(servers, effects, async (step, run) => {
      const sealed = await guard.seal(step, { resource: run });
      await sealed.write([['RPUSH', `log:${run}`, effects.worker]]);
    });
  },
};

export const unguarded: Subject = {
  ...holdfast,
  name: 'Holdfast, no guard',
  share: 0.25,
  open: (servers, effects) => open(servers, effects, (_, run) => effects.write(run)),
};
