/**
 * A message wakes a parked run, in an empty database and in one with a million other keys.
 *
 * Guarantees: every run that is woken ends, once.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import type { Redis } from 'ioredis';
import { numberSpread } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { expectSame, now, type Role, type Scenario, until } from './scenario.js';

const parked = defineWorkflow({ name: 'parked' }, async (ctx) => {
  await ctx.receive('go');
  return now(); // when it went on: it is read in another process
});

const worker: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [parked] });
  workflows.work();
  return {};
};

const client: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [parked] });
  return {
    /** Gives what passed from each message to the function's going on, in ms. One run at a time. */
    wake: async (count: number): Promise<number[]> => {
      const runs = await Promise.all(Array.from({ length: count }, () => workflows.start(parked, undefined)));
      await until('all runs sleep', async () => (await workflows.counts(parked)).sleeping === count);
      const taken: number[] = [];
      for (const run of runs) {
        const since = now();
        await run.send('go', true);
        taken.push((await run.result()) - since);
      }
      return taken;
    },
  };
};

async function fill(redis: Redis, keys: number): Promise<void> {
  const BATCH = 1_000;
  for (let from = 0; from < keys; from += BATCH) {
    await redis.mset(Array.from({ length: BATCH }, (_, key) => [`unrelated:${from + key}`, 'value']).flat());
  }
  expectSame('the number of keys', (await redis.dbsize()) >= keys, true);
}

export const wake: Scenario = {
  roles: { worker, client },
  async measure(stage) {
    const [runs, keys] = stage.quick ? [100, 10_000] : [1_000, 1_000_000];
    const measured = new Map<number, { p50: number[]; p99: number[] }>();
    for (let round = 0; round < stage.rounds; round += 1) {
      for (const filled of [0, keys]) {
        stage.progress(`round ${round + 1}, ${filled} keys`);
        await stage.clear();
        await fill(stage.redis, filled);
        await stage.start('worker');
        const asking = await stage.start('client');
        await asking.ask('wake', Math.round(runs / 4)); // warms up
        const taken = await asking.ask<number[]>('wake', runs);
        expectSame('the number of runs that were woken', taken.length, runs);
        const of = measured.get(filled) ?? { p50: [], p99: [] };
        measured.set(filled, of);
        of.p50.push(quantile(taken, 0.5));
        of.p99.push(quantile(taken, 0.99));
      }
    }
    const { p50 = [] } = measured.get(keys) ?? {};
    return {
      targets: [atMost(`waking a parked run among ${keys} other keys, p50 ms`, spread(p50), 1)],
      tables: [
        {
          title: 'wake',
          about: `${runs.toLocaleString('en-US')} parked runs are woken one at a time by a message from another process: ms from the sending of the message until the function goes on.`,
          columns: ['other keys', 'p50', 'p99'],
          rows: [...measured].map(([filled, of]) => [
            filled.toLocaleString('en-US'),
            numberSpread(spread(of.p50)),
            numberSpread(spread(of.p99)),
          ]),
        },
      ],
      data: measured,
    };
  },
};
