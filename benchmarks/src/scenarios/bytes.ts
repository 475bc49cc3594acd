/**
 * What Redis keeps of a run that is over, and of one that is parked; and in which keys.
 *
 * Guarantees: what is counted is what `used_memory` says once all runs are so; the keys are counted by MEMORY USAGE, and are
 * shown beside it. Events are counted apart: Redis keeps about 100,000 of them, however many runs there are.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import type { Redis } from 'ioredis';
import { number, type Table } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { expectSame, type Role, type Scenario, until } from './scenario.js';

const noop = defineWorkflow({ name: 'noop' }, async (ctx, steps: number) => {
  let done = 0;
  while (done < steps) done += await ctx.step('noop', () => 1);
  return done;
});

const parked = defineWorkflow({ name: 'parked' }, async (ctx) => {
  await ctx.receive('go');
});

const BATCH = 100;

const worker: Role = ({ redis }) => {
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [noop, parked] });
  workflows.work();
  return {
    finish: async (count: number): Promise<number> => {
      let done = 0;
      for (let from = 0; from < count; from += BATCH) {
        const runs = await Promise.all(Array.from({ length: BATCH }, () => workflows.run(noop, 5)));
        done += runs.filter((steps) => steps === 5).length;
      }
      return done;
    },
    park: async (count: number): Promise<void> => {
      for (let from = 0; from < count; from += BATCH) {
        await Promise.all(Array.from({ length: BATCH }, () => workflows.start(parked, undefined)));
      }
      await until('all runs sleep', async () => (await workflows.counts(parked)).sleeping === count);
    },
  };
};

/** The bytes of all keys by what they are: those of runs together. */
async function bytesByKey(redis: Redis): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'COUNT', 1_000);
    cursor = next;
    const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
    for (const [index, key] of keys.entries()) {
      const kind = /\}:([a-z]+)/.exec(key)?.[1] ?? key;
      bytes.set(kind, (bytes.get(kind) ?? 0) + Number(sizes[index] ?? 0));
    }
  } while (cursor !== '0');
  return bytes;
}

const NAMES: Readonly<Record<string, string>> = { j: 'its journal', s: 'its state' };

export const bytes: Scenario = {
  roles: { worker },
  async measure(stage) {
    const count = stage.quick ? 2_000 : 20_000;
    const totals: Record<string, number[]> = { finish: [], park: [] };
    let tables: Table[] = [];
    for (let round = 0; round < stage.rounds; round += 1) {
      tables = [];
      for (const [what, kind] of [
        ['finish', 'a run of five steps that is over'],
        ['park', 'a parked run'],
      ] as const) {
        stage.progress(`round ${round + 1}, ${kind}`);
        await stage.clear();
        const process = await stage.start('worker');
        await process.ask(what, BATCH * (what === 'finish' ? 1 : 0)); // what does not grow with the number of runs
        const before = await stage.memory();
        const keysBefore = await bytesByKey(stage.redis);
        const done = await process.ask<number | undefined>(what, count);
        if (what === 'finish') expectSame('the number of runs that are over', done, count);
        const all = (await stage.memory()) - before;
        const keys = await bytesByKey(stage.redis);
        const grown = [...keys].map(([name, size]) => [name, size - (keysBefore.get(name) ?? 0)] as const);
        const ofEvents = grown.find(([name]) => name === 'events')?.[1] ?? 0;
        totals[what]?.push((all - ofEvents) / count);
        const shown = grown
          .filter(([name, size]) => name !== 'events' && size / count >= 1)
          .sort(([, one], [, other]) => other - one)
          .map(([name, size]) => [NAMES[name] ?? `\`${name}\``, number(size / count)]);
        const counted = shown.length;
        expectSame('whether keys were counted', counted > 0, true);
        tables.push({
          title: kind,
          about: `Bytes for each of ${count.toLocaleString('en-US')}, in the last round. The first row is what used_memory has grown by, without the events; the others are what MEMORY USAGE says of keys, which leaves out the entries of Redis's own table of keys and their expiry.`,
          columns: ['', 'bytes'],
          rows: [
            ['all', number((all - ofEvents) / count)],
            ...shown,
            ['apart: its events', number(ofEvents / count)],
          ],
        });
      }
    }
    return {
      targets: [atMost('bytes of a run of five steps that is over', spread(totals['finish'] ?? []), 700)],
      tables,
      data: totals,
    };
  },
};
