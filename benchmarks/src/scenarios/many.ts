/**
 * Whether the cost of one more step, child or parked run stays the same as there are more of them.
 *
 * Guarantees: the steps, children and runs are counted in the end, and the sums of what they give are right.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { number, type Table } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { expectSame, now, type Role, type Scenario, until } from './scenario.js';
import type { Actor, Stage } from './stage.js';

/** In this process: when each part was done for the first time, in ms; a replay comes past it again. */
let marks: number[] = [];
const mark = (part: number): void => {
  marks[part] ??= now();
};

interface Amount {
  readonly count: number;
  readonly part: number;
}

const inARow = defineWorkflow({ name: 'steps' }, async (ctx, { count, part }: Amount) => {
  let sum = 0;
  for (let step = 0; step < count; step += 1) {
    if (step % part === 0) mark(step / part);
    sum += await ctx.step('add', () => step);
  }
  mark(count / part);
  return sum;
});

const child = defineWorkflow({ name: 'child' }, async (_, value: number) => value);

const CONCURRENT = 50;

const withChildren = defineWorkflow({ name: 'children' }, async (ctx, { count, part }: Amount) => {
  let done = 0;
  mark(0);
  const given = await ctx.map(
    Array.from({ length: count }, (_, value) => value),
    async (branch, value) => {
      const result = await branch.child(child, value);
      done += 1;
      if (done % part === 0) mark(done / part);
      return result;
    },
    { concurrency: CONCURRENT },
  );
  return given.reduce((sum, value) => sum + value, 0);
});

const parked = defineWorkflow({ name: 'parked' }, async (ctx) => {
  await ctx.receive('go');
  return now();
});

/** What one part has cost. */
interface Part {
  /** How many there are at its end. */
  readonly count: number;
  /** Of one more, in µs. */
  readonly cost: number;
  readonly wake?: number;
  /** In bytes. */
  readonly rss: number;
  readonly redis: number;
}

const BATCH = 100;
const WOKEN = 20;

const worker: Role = ({ redis }) => {
  const workflows = createWorkflows({
    redis,
    name: 'bench',
    workflows: [inARow, withChildren, child, parked],
  });
  workflows.work({ concurrency: 200 });
  return {
    steps: (amount: Amount) => workflows.run(inARow, amount),
    children: (amount: Amount) => workflows.run(withChildren, amount),
    /** When each part was done so far: the memory of a part is looked at by the parent meanwhile. */
    marks: () => {
      const taken = marks;
      marks = [];
      return taken;
    },
    /** As many more parked runs, then some of them woken: µs of each, and the median of the waking in ms. */
    park: async ({ from, count }: { from: number; count: number }) => {
      const since = now();
      for (let done = 0; done < count; done += BATCH) {
        await Promise.all(
          Array.from({ length: BATCH }, (_, run) =>
            workflows.start(parked, undefined, { id: `p${from + done + run}` }),
          ),
        );
      }
      await until('all runs sleep', async () => (await workflows.counts(parked)).sleeping === from + count);
      const cost = ((now() - since) / count) * 1_000;
      const taken: number[] = [];
      for (let run = 0; run < WOKEN; run += 1) {
        const id = `p${from + run * Math.floor(count / WOKEN)}`;
        const sent = now();
        await workflows.get(parked, id).send('go', true);
        taken.push((await workflows.get(parked, id).result()) - sent);
        await workflows.start(parked, undefined, { id: `again-${from}-${run}` }); // so that the number stays
      }
      await until('all runs sleep', async () => (await workflows.counts(parked)).sleeping === from + count);
      return { cost, wake: quantile(taken, 0.5) };
    },
  };
};

/** Asks for one run of so many, and follows the memory meanwhile. */
async function inOne(
  stage: Stage,
  actor: Actor,
  what: 'steps' | 'children',
  amount: Amount,
): Promise<Part[]> {
  const { count, part } = amount;
  const sum = await actor.ask<number>(what, amount);
  expectSame(`the sum of ${count} ${what}`, sum, (count * (count - 1)) / 2);
  const times = await actor.ask<number[]>('marks');
  const { rss } = await actor.usage();
  const redis = await stage.memory();
  expectSame(`the number of parts of ${what}`, times.length, count / part + 1);
  return times.slice(1).map((time, index) => ({
    count: (index + 1) * part,
    cost: ((time - (times[index] ?? time)) / part) * 1_000,
    rss,
    redis,
  }));
}

const MB = 2 ** 20;

function tableOf(title: string, about: string, parts: readonly Part[]): Table {
  const isWoken = parts.some(({ wake }) => wake !== undefined);
  return {
    title,
    about,
    columns: ['count', 'µs each', ...(isWoken ? ['waking one, p50 ms'] : []), 'Redis MB', 'process MB'],
    rows: parts.map(({ count, cost, wake, redis, rss }) => [
      count.toLocaleString('en-US'),
      number(cost),
      ...(wake === undefined ? [] : [number(wake)]),
      number(redis / MB),
      number(rss / MB),
    ]),
  };
}

/** By how much the last third costs more than the first, without the very first part, in which code is compiled. */
function growth(parts: readonly Part[]): number {
  const costs = parts.slice(1).map(({ cost }) => cost);
  const third = Math.max(1, Math.floor(costs.length / 3));
  return quantile(costs.slice(-third), 0.5) / quantile(costs.slice(0, third), 0.5);
}

export const many: Scenario = {
  roles: { worker },
  async measure(stage) {
    const [count, runs] = stage.quick ? [1_000, 2_000] : [10_000, 100_000];
    const amount: Amount = { count, part: count / 10 };
    const found: Record<'steps' | 'children' | 'parked', Part[]> = { steps: [], children: [], parked: [] };
    for (const what of ['steps', 'children'] as const) {
      stage.progress(`${count} ${what}`);
      await stage.clear();
      found[what] = await inOne(stage, await stage.start('worker'), what, amount);
    }
    await stage.clear();
    const parking = await stage.start('worker');
    for (let from = 0; from < runs; from += runs / 10) {
      stage.progress(`${from + runs / 10} parked runs`);
      const measured = await parking.ask<{ cost: number; wake: number }>('park', { from, count: runs / 10 });
      const { rss } = await parking.usage();
      found.parked.push({ count: from + runs / 10, ...measured, rss, redis: await stage.memory() });
    }
    return {
      targets: Object.entries(found).map(([what, parts]) =>
        atMost(`one more of many ${what}: the last third to the first`, spread([growth(parts)]), 1.5),
      ),
      tables: [
        tableOf(
          'steps in a row',
          'Steps of one run, one after the other. Memory is what there is at the end.',
          found.steps,
        ),
        tableOf(
          'children',
          `Children of one run, ${CONCURRENT} at a time, from their calls to their results. Memory is what there is at the end.`,
          found.children,
        ),
        tableOf(
          'parked runs',
          `Runs that are started and wait for a message, in one process that starts them and works on them; at each count, ${WOKEN} of them are woken, one at a time. Redis has their events, too.`,
          found.parked,
        ),
      ],
      data: found,
    };
  },
};
