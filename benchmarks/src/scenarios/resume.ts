/**
 * A long run goes on with another worker: all its steps are read and replayed before the next one begins.
 *
 * Guarantees: no body of a step that was done runs again, and the result is that of all steps.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { numberSpread } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { expectSame, now, type Role, type Scenario, until } from './scenario.js';

/** In this process: how many bodies have run, and when the last step began. */
let bodies = 0;
let lastBegan = 0;

const long = defineWorkflow({ name: 'long' }, async (ctx, steps: number) => {
  let sum = 0;
  for (let step = 0; step < steps; step += 1) {
    sum += await ctx.step('add', () => {
      bodies += 1;
      return step;
    });
  }
  await ctx.receive('go');
  await ctx.step('last', () => {
    lastBegan = now();
  });
  return sum;
});

interface Resumed {
  /** From the message to the beginning of the next step, in ms. */
  readonly took: number;
  readonly sum: number;
  /** Bodies that ran again. */
  readonly repeated: number;
}

const worker: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [long] });
  workflows.work();
  return {
    prepare: async ({ ids, steps }: { ids: string[]; steps: number }): Promise<void> => {
      const { sleeping } = await workflows.counts(long);
      await Promise.all(ids.map((id) => workflows.start(long, steps, { id })));
      const all = sleeping + ids.length;
      await until('all runs sleep', async () => (await workflows.counts(long)).sleeping === all);
    },
    resume: async (id: string): Promise<Resumed> => {
      bodies = 0;
      const run = workflows.get(long, id);
      const since = now();
      await run.send('go', true);
      const sum = await run.result();
      return { took: lastBegan - since, sum, repeated: bodies };
    },
    stop: () => workflows.close(),
  };
};

/** How many a fresh process resumes, one after the other. */
const IN_TURN = 4;

export const resume: Scenario = {
  roles: { worker },
  async measure(stage) {
    const steps = stage.quick ? 1_000 : 10_000;
    const names = Array.from({ length: stage.rounds }, (_, round) =>
      Array.from({ length: IN_TURN }, (_, turn) => `run-${round}-${turn}`),
    );
    stage.progress(`${names.flat().length} runs of ${steps} steps`);
    const first = await stage.start('worker');
    for (const ids of names) await first.ask('prepare', { ids, steps });
    await first.ask('stop');
    const fresh: number[] = [];
    const warm: number[] = [];
    for (const [round, ids] of names.entries()) {
      stage.progress(`round ${round + 1}`);
      const other = await stage.start('worker');
      for (const [turn, id] of ids.entries()) {
        const { took, sum, repeated } = await other.ask<Resumed>('resume', id);
        expectSame(`the result of ${id}`, sum, (steps * (steps - 1)) / 2);
        expectSame(`the number of steps of ${id} that ran again`, repeated, 0);
        (turn === 0 ? fresh : warm).push(took);
      }
      await other.ask('stop');
    }
    const rows = [
      ['the first run of a fresh process', numberSpread(spread(fresh))],
      [`the ${IN_TURN - 1} runs after it`, numberSpread(spread(warm))],
    ];
    return {
      targets: [
        atMost(`resuming a run of ${steps} steps, ms`, spread(warm), 100),
        atMost('the same, first run of a fresh process, ms', spread(fresh), 100),
      ],
      tables: [
        {
          title: 'resume',
          about: `Runs of ${steps.toLocaleString('en-US')} steps that wait for a message. Another process than the one that has done the steps takes the run: ms from the sending of the message to the beginning of the next step, which includes the claim, the reading of the journal and the replay.`,
          columns: ['', 'ms, median (min–max)'],
          rows,
        },
      ],
      data: { fresh, warm },
    };
  },
};
