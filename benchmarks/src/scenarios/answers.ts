/**
 * Runs of four steps that answer their callers, as those of the personalisation in the examples do: each process has callers
 * that start a run, wait for its result and start the next, and lets runs go on.
 *
 * Guarantees: every answer is that of the visit that was asked about.
 */
import { availableParallelism } from 'node:os';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { number, type Table } from '../harness/report.js';
import { quantile, spread } from '../harness/statistics.js';
import { atLeast } from '../harness/targets.js';
import { NodeObserver } from '../redis-info.js';
import { type Masters, startMasters } from './masters.js';
import { expectSame, type Role, type Scenario } from './scenario.js';
import type { Actor, Stage } from './stage.js';

interface Visit {
  readonly user: string;
  readonly request: string;
}

const page = defineWorkflow({ name: 'page' }, async (ctx, { user, request }: Visit) => {
  const profile = await ctx.step('profile', () => ({ user, likes: ['atlas', 'bell', 'compass', 'drum'] }));
  const found = await ctx.step('recommend', () => [...profile.likes].reverse());
  const items = await ctx.step('rank', () => found.slice(0, 3));
  await ctx.step('serve', () => items.length);
  return { request, items };
});

interface Answered {
  readonly runs: number;
  readonly wrong: number;
  /** In ms. */
  readonly taken: number[];
  /** Of this process, in µs. */
  readonly cpu: number;
}

const USERS = 100_000;

const web: Role = ({ redis }, { partitions, name }: { partitions: number; name: string }) => {
  const workflows = createWorkflows({ redis, name: 'pages', partitions, workflows: [page] });
  workflows.work({ concurrency: 400 });
  let count = 0;
  return {
    answer: async ({ callers, time }: { callers: number; time: number }): Promise<Answered> => {
      const { user, system } = process.cpuUsage();
      const end = performance.now() + time;
      const taken: number[] = [];
      let wrong = 0;
      const caller = async (): Promise<void> => {
        while (performance.now() < end) {
          count += 1;
          const visit = { user: `user-${Math.floor(Math.random() * USERS)}`, request: `${name}-${count}` };
          const since = performance.now();
          const { request, items } = await workflows.run(page, visit, { id: visit.request, key: visit.user });
          taken.push(performance.now() - since);
          if (request !== visit.request || items.length !== 3) wrong += 1;
        }
      };
      await Promise.all(Array.from({ length: callers }, caller));
      const used = process.cpuUsage({ user, system });
      return { runs: taken.length, wrong, taken, cpu: used.user + used.system };
    },
  };
};

interface Setting {
  readonly processes: number;
  readonly partitions: number;
  readonly masters: number;
}

interface Measured extends Setting {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU time of a run in µs: of all its processes, and of all masters. */
  readonly client: number;
  readonly redis: number;
  /** Which share of the time the busiest master, and the busiest process, were on a core. */
  readonly busiestMaster: number;
  readonly busiestProcess: number;
}

const CALLERS = 100;

async function measure(stage: Stage, setting: Setting, cluster: Masters | undefined): Promise<Measured> {
  const { processes, partitions } = setting;
  const [warm, time] = stage.quick ? [300, 500] : [1_500, 4_000];
  await stage.clear();
  const servers = cluster ? { ...stage.servers, redis: cluster.url } : stage.servers;
  const observer = cluster ? new NodeObserver(cluster.nodes.urls) : stage.observer;
  const actors: Actor[] = [];
  for (let index = 0; index < processes; index += 1) {
    const given = { partitions, name: `${processes}-${partitions}-${index}` };
    actors.push(await stage.start('web', given, servers));
  }
  const callers = Math.round(CALLERS / processes);
  await Promise.all(actors.map((actor) => actor.ask('answer', { callers, time: warm })));
  const before = await observer.cpuOfEach();
  const since = performance.now();
  const all = await Promise.all(actors.map((actor) => actor.ask<Answered>('answer', { callers, time })));
  const took = performance.now() - since;
  const used = (await observer.cpuOfEach()).map((cpu, index) => cpu - (before[index] ?? 0));
  if (cluster) observer.close();
  const runs = all.reduce((sum, each) => sum + each.runs, 0);
  expectSame(
    'the number of wrong answers',
    all.reduce((sum, each) => sum + each.wrong, 0),
    0,
  );
  const taken = all.flatMap((each) => each.taken);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    ...setting,
    rate: (runs / took) * 1_000,
    p50: quantile(taken, 0.5),
    p99: quantile(taken, 0.99),
    client: sum(all.map(({ cpu }) => cpu)) / runs,
    redis: sum(used) / runs,
    busiestMaster: Math.max(...used) / took / 1_000,
    busiestProcess: Math.max(...all.map(({ cpu }) => cpu)) / took / 1_000,
  };
}

const BUSY = 0.85;

/** What has no time left. */
function binding({ client, redis, rate, busiestMaster, busiestProcess }: Measured, cores: number): string {
  if (busiestMaster >= BUSY) return 'a Redis';
  if (busiestProcess >= BUSY) return 'the processes';
  return ((client + redis) * rate) / 1e6 >= BUSY * cores
    ? "the machine's cores"
    : 'other work on the machine';
}

const WANTED = 10_000;

function computed(all: readonly Measured[]): Table {
  const alone = all.filter(({ masters }) => masters === 1);
  const cluster = all.filter(({ masters }) => masters > 1);
  const cheapest = (of: readonly Measured[]): Measured | undefined =>
    [...of].sort((one, other) => one.client + one.redis - other.client - other.redis)[0];
  const rows = [cheapest(alone), cheapest(cluster)].flatMap((each) => {
    if (!each) return [];
    const [client, redis] = [each.client, each.redis].map((cpu) => (cpu * WANTED) / 1e6) as [number, number];
    return [[each.masters === 1 ? 'one Redis' : 'Cluster', number(client), number(redis)]];
  });
  return {
    title: `what ${WANTED.toLocaleString('en-US')} a second take`,
    about:
      'Cores that are busy all the time, computed from the CPU time of a run in the setting where it is least. A Redis server and a process use one core each, so this is also how many of each it takes, if none is to have time left.',
    columns: ['', 'cores for processes', 'cores for Redis'],
    rows,
  };
}

export const answers: Scenario = {
  roles: { web },
  async measure(stage) {
    const cores = availableParallelism();
    const settings: Setting[] = [1, 4, 16].flatMap((partitions) =>
      [1, 2, 4].map((processes) => ({ processes, partitions, masters: 1 })),
    );
    const all: Measured[] = [];
    for (const setting of settings) {
      stage.progress(`${setting.processes} processes, ${setting.partitions} partitions`);
      all.push(await measure(stage, setting, undefined));
    }
    for (const processes of [1, 2, 4]) {
      const setting = { processes, partitions: 16, masters: 3 };
      stage.progress(`${processes} processes, a Cluster of 3 masters`);
      const cluster = await startMasters(3);
      try {
        all.push(await measure(stage, setting, cluster));
      } finally {
        stage.end();
        await cluster.nodes.stop();
      }
    }
    const best = Math.max(...all.map(({ rate }) => rate));
    const targets = [atLeast('answered runs of 4 steps a second, best setting', spread([best]), 7_000)];
    return {
      targets,
      tables: [
        {
          title: 'answers',
          about: `Runs of four steps that do nothing, each of one of ${USERS.toLocaleString('en-US')} users as its key; ${CALLERS} callers in all, spread over the processes. CPU is that of all processes, or of all masters, for one run. A share is that of the time during which the busiest process or master was on a core. Processes, masters and callers share the ${cores} cores of this machine.`,
          columns: [
            ...['masters', 'partitions', 'processes', 'runs/s', 'p50 ms', 'p99 ms'],
            ...['process CPU µs', 'Redis CPU µs', 'busiest process', 'busiest Redis', 'what binds'],
          ],
          rows: all.map((each) => [
            ...[each.masters, each.partitions, each.processes].map(String),
            ...[each.rate, each.p50, each.p99, each.client, each.redis].map((value) => number(value)),
            ...[each.busiestProcess, each.busiestMaster].map((share) => `${Math.round(share * 100)} %`),
            binding(each, cores),
          ]),
        },
        computed(all),
      ],
      data: all,
    };
  },
};
