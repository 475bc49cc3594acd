/**
 * Ten times the usual load for a while, on a workflow with a limit on how many runs wait: what is above it is refused, what
 * was accepted is as fast as before, and an autoscaler can see the demand.
 *
 * `SURGE=120` makes the surge last two minutes; the default is 30 seconds. Guarantees: every run that was accepted has ended
 * in the end, once, and every refusal says after how many ms to try again.
 */
import { createWorkflows, defineWorkflow, RunsFullError } from '@holdfast/workflow';
import { number } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atMost, never } from '../harness/targets.js';
import { expectSame, now, pause, type Role, type Scenario, until } from './scenario.js';
import type { Actor } from './stage.js';

interface Request {
  readonly id: string;
  /** When it was made, by `now`. */
  readonly at: number;
}

/** Runs that one worker has at a time, and what each of its two steps takes, in ms: about 200 runs a second. */
const CONCURRENCY = 8;
const STEP = 20;
const WAITING = 8;

const served: { readonly at: number; readonly took: number }[] = [];

const page = defineWorkflow(
  { name: 'page', limits: { version: 1, waiting: WAITING } },
  async (ctx, { id, at }: Request) => {
    await ctx.step('load', () => pause(STEP));
    await ctx.step('show', async () => {
      await pause(STEP);
      served.push({ at, took: now() - at });
    });
    return id;
  },
);

const worker: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [page] });
  workflows.work({ concurrency: CONCURRENCY });
  return { served: () => served };
};

interface Second {
  /** From the beginning, in s. */
  readonly second: number;
  readonly offered: number;
  readonly refused: number;
  readonly waiting: number;
  readonly running: number;
  /** Of the oldest that waits, in ms. */
  readonly oldest: number;
}

interface Phase {
  readonly rate: number;
  /** In ms. */
  readonly time: number;
}

interface Offered {
  /** When each phase began, by `now`. */
  readonly began: readonly number[];
  readonly accepted: number;
  readonly refused: number;
  /** Refusals that did not say when to try again. */
  readonly unsaid: number;
  readonly seconds: readonly Second[];
  readonly drained: number;
  readonly wrong: number;
}

const client: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [page] });
  return {
    offer: async ({ name, phases }: { name: string; phases: readonly Phase[] }): Promise<Offered> => {
      const accepted: string[] = [];
      let [count, refused, unsaid] = [0, 0, 0];
      const going = new Set<Promise<void>>();
      const request = async (id: string): Promise<void> => {
        try {
          await workflows.start(page, { id, at: now() }, { id });
          accepted.push(id);
        } catch (error) {
          if (!(error instanceof RunsFullError)) throw error;
          refused += 1;
          if (!(error.retryAfter > 0)) unsaid += 1;
        }
      };
      const since = now();
      const seconds: Second[] = [];
      let isOver = false;
      const look = async (): Promise<void> => {
        let before = { count: 0, refused: 0 };
        while (!isOver) {
          await pause(1_000);
          const { waiting = 0, running = 0, oldest = 0 } = (await workflows.demand())['page'] ?? {};
          const second = Math.round((now() - since) / 1_000);
          seconds.push({
            second,
            offered: count - before.count,
            refused: refused - before.refused,
            waiting,
            running,
            oldest,
          });
          before = { count, refused };
        }
      };
      const looking = look();
      const began: number[] = [];
      for (const { rate, time } of phases) {
        const from = now();
        began.push(from);
        for (let made = 0; now() - from < time; ) {
          const due = Math.floor(((now() - from) / 1_000) * rate);
          for (; made < due; made += 1) {
            count += 1;
            const one = request(`${name}-${count}`).finally(() => going.delete(one));
            going.add(one);
          }
          await pause(2);
        }
      }
      began.push(now());
      await Promise.all(going);
      const left = async (): Promise<number> => {
        const { waiting, running } = await workflows.counts(page);
        return waiting + running;
      };
      await until('all runs are over', async () => (await left()) === 0);
      const drained = now() - (began.at(-1) ?? 0);
      isOver = true;
      await looking;
      const results = await Promise.all(accepted.map((id) => workflows.get(page, id).result()));
      const wrong = results.filter((id, index) => id !== accepted[index]).length;
      return { began, accepted: accepted.length, refused, unsaid, seconds, drained, wrong };
    },
  };
};

const USUAL = 60;

export const surge: Scenario = {
  roles: { worker, client },
  async measure(stage) {
    const length = stage.quick ? 2_000 : Number(process.env['SURGE'] ?? 30) * 1_000;
    const calm = stage.quick ? 2_000 : 15_000;
    const phases: Phase[] = [
      { rate: USUAL, time: calm },
      { rate: 10 * USUAL, time: length },
      { rate: USUAL, time: calm },
    ];
    await stage.clear();
    const working: Actor = await stage.start('worker');
    const asking = await stage.start('client');
    await asking.ask('offer', { name: 'warm', phases: [{ rate: USUAL, time: 1_000 }] });
    const warm = await working.ask<typeof served>('served');
    stage.progress(`${phases.map(({ rate, time }) => `${rate}/s for ${time / 1_000} s`).join(', ')}`);
    const offered = await asking.ask<Offered>('offer', { name: 'run', phases });
    const all = (await working.ask<typeof served>('served')).slice(warm.length);
    expectSame('the number of wrong results', offered.wrong, 0);
    expectSame('the number of runs that were carried out', all.length, offered.accepted);
    const names = ['before', 'surge', 'after'];
    const rows = names.map((name, index) => {
      const [from = 0, to = 0] = offered.began.slice(index, index + 2);
      const taken = all.filter(({ at }) => at >= from && at < to).map(({ took }) => took);
      const { rate = 0, time = 1 } = phases[index] ?? {};
      return {
        name,
        rate,
        accepted: (taken.length / time) * 1_000,
        p50: quantile(taken, 0.5),
        p99: quantile(taken, 0.99),
      };
    });
    const [before, during] = rows.map(({ p99 }) => p99) as [number, number];
    const every = Math.max(1, Math.round(offered.seconds.length / 20));
    return {
      targets: [
        atMost('p99 of accepted runs in the surge, to that before it', spread([during / before]), 2),
        never('refusals that do not say when to try again', spread([offered.unsaid])),
        never('accepted runs that were lost or doubled', spread([offered.wrong])),
      ],
      tables: [
        {
          title: 'surge',
          about: `Starts come at a rate, whether others were refused or not. A worker has ${CONCURRENCY} runs at a time, of two steps of ${STEP} ms each; at most ${WAITING} runs may wait. ${offered.refused.toLocaleString('en-US')} starts were refused, each with the time after which to try again. When the last start was made, it took ${number(offered.drained)} ms until all runs were over. Latency is from the start to the end of the last step.`,
          columns: ['', 'starts/s', 'accepted/s', 'p50 ms', 'p99 ms'],
          rows: rows.map(({ name, ...numbers }) => [
            name,
            ...Object.values(numbers).map((value) => number(value)),
          ]),
        },
        {
          title: 'demand during the surge',
          about:
            'What `workflows.demand()` says, from which an autoscaler takes how many workers it needs, and what was offered and refused in the second before.',
          columns: ['second', 'starts', 'refused', 'waiting', 'running', 'oldest ms'],
          rows: offered.seconds
            .filter((_, index) => index % every === 0)
            .map((each) => Object.values(each).map((value) => Math.round(value).toLocaleString('en-US'))),
        },
      ],
      data: offered,
    };
  },
};
