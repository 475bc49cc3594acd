/**
 * A worker is killed or frozen in the middle of its runs, and another takes them over.
 *
 * Guarantees: every run ends with the result of the other worker's attempts, also after the frozen one has gone on; and the
 * frozen one gets nothing into a journal.
 */
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { number, numberSpread } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { expectSame, now, pause, type Role, type Scenario } from './scenario.js';

/** For a step of the first worker: longer than the takeover takes. */
const LONG = 8_000;

interface Begun {
  readonly run: string;
  readonly at: number;
}

const worker: Role = (
  { redis },
  { name, lease, length }: { name: string; lease: number; length: number },
) => {
  const begun: Begun[] = [];
  const slow = defineWorkflow({ name: 'slow' }, (ctx) =>
    ctx.step('slow', async () => {
      begun.push({ run: ctx.id, at: now() });
      await pause(length);
      return name;
    }),
  );
  const workflows = createWorkflows({ redis, name: 'bench', workflows: [slow] });
  workflows.work({ lease, concurrency: 200 });
  return {
    start: async (ids: string[]): Promise<void> => {
      await Promise.all(ids.map((id) => workflows.start(slow, undefined, { id })));
      while (begun.length < ids.length) await pause(10);
    },
    results: (ids: string[]): Promise<unknown> =>
      Promise.all(ids.map((id) => workflows.get(slow, id).result())),
    begun: () => begun,
    lengths: (ids: string[]): Promise<number[]> =>
      Promise.all(ids.map(async (id) => (await workflows.get(slow, id).history()).length)),
  };
};

export const takeover: Scenario = {
  roles: { worker },
  async measure(stage) {
    const runs = 100;
    const leases = stage.quick ? [1_000] : [1_000, 5_000];
    const targets = [];
    const rows: string[][] = [];
    const data: object[] = [];
    for (const lease of leases) {
      for (const how of ['SIGKILL', 'SIGSTOP'] as const) {
        const [firsts, lasts]: [number[], number[]] = [[], []];
        for (let round = 0; round < stage.rounds; round += 1) {
          stage.progress(`lease ${lease}, ${how}, round ${round + 1}`);
          await stage.clear();
          const ids = Array.from({ length: runs }, (_, run) => `run-${run}`);
          const first = await stage.start('worker', { name: 'first', lease, length: lease + LONG });
          await first.ask('start', ids);
          const second = await stage.start('worker', { name: 'second', lease, length: 1 });
          await pause(lease * Math.random()); // anywhere between two renewals
          const since = now();
          if (how === 'SIGKILL') first.kill();
          else first.freeze();
          const results = await second.ask<string[]>('results', ids);
          expectSame('a result', [...new Set(results)].join(), 'second');
          const begun = await second.ask<Begun[]>('begun');
          expectSame('the number of attempts of the second worker', begun.length, runs);
          const taken = begun.map(({ at }) => at - since);
          firsts.push(Math.min(...taken));
          lasts.push(Math.max(...taken));
          if (how === 'SIGSTOP') {
            const before = await second.ask<number[]>('lengths', ids);
            first.thaw();
            await first.ask('begun'); // it goes on
            await pause(300);
            expectSame('the journals', `${await second.ask('lengths', ids)}`, `${before}`);
            const again = await second.ask<string[]>('results', ids);
            expectSame('a result', [...new Set(again)].join(), 'second');
          }
        }
        const slowest = spread([Math.max(...lasts)]); // the bound is one for every takeover
        targets.push(
          atMost(`takeover after ${how}, lease ${lease} ms: the slowest, ms`, slowest, lease + 500),
        );
        rows.push([how, number(lease), numberSpread(spread(firsts)), numberSpread(spread(lasts))]);
        data.push({ how, lease, firsts, lasts });
      }
    }
    return {
      targets,
      tables: [
        {
          title: 'takeover',
          about: `A worker with ${runs} runs, each in the middle of a step, is killed or frozen, and another that has been idle takes them over: ms until it begins the step of the first, and of the last of them. One that was frozen is thawed afterwards.`,
          columns: ['signal', 'lease', 'first run', 'last run'],
          rows,
        },
      ],
      data,
    };
  },
};
