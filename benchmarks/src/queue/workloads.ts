/**
 * The measurements of each queue, one function for each workload. All numbers are of one contestant and one round.
 *
 * Guarantees: each begins with an empty Redis, and leaves no process behind when it resolves.
 */
import type { Redis } from 'ioredis';
import type { Numbers } from '../harness/results.js';
import { quantile } from '../harness/statistics.js';
import type { NodeObserver } from '../redis-info.js';
import { type Contestant, contestants } from './contestants.js';
import { Crew } from './crew.js';
import type { Plan } from './plan.js';

interface Stage {
  readonly url: string;
  readonly plan: Plan;
  readonly redis: Redis;
  readonly observer: NodeObserver;
  /** Told of each crew, so that it can be ended from outside. */
  readonly onCrew: (crew: Crew) => void;
}

const PAYLOAD = { text: 'x'.repeat(185) }; // 196 bytes of JSON
const now = (): number => performance.now();
const perSecond = (count: number, since: number): number => (count / (now() - since)) * 1_000;

/** `count` adds, `inFlight` at a time. */
async function addAll(add: () => Promise<unknown>, count: number, inFlight: number): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await add();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

async function enqueue(contestant: Contestant, { url, plan }: Stage): Promise<Numbers> {
  const opened = await contestant.open(url);
  await addAll(() => opened.add(PAYLOAD), plan.tasks / 10, 100);
  const since = now();
  await addAll(() => opened.add(PAYLOAD), plan.tasks, 100);
  const rate = perSecond(plan.tasks, since);
  await opened.close();
  return { 'adds/s, 100 in flight': rate };
}

async function bulk(contestant: Contestant, { url, plan, redis }: Stage): Promise<Numbers> {
  const opened = await contestant.open(url);
  const batch = Array.from({ length: 1_000 }, () => PAYLOAD);
  const times = plan.tasks / 1_000;
  await opened.addMany(batch);
  const since = now();
  for (let n = 0; n < times; n += 1) await opened.addMany(batch);
  const rate = perSecond(times * 1_000, since);
  await opened.close();
  if (contestant !== contestants[0]) return { 'addMany of 1,000: tasks/s': rate };
  return { 'addMany of 1,000: tasks/s': rate, 'raw limit: pipelined XADD/s': await rawAdds(redis, times) };
}

async function rawAdds(redis: Redis, times: number): Promise<number> {
  const data = JSON.stringify(PAYLOAD);
  const since = now();
  for (let n = 0; n < times; n += 1) {
    const pipeline = redis.pipeline();
    for (let m = 0; m < 1_000; m += 1) pipeline.xadd('raw', '*', 'd', data);
    await pipeline.exec();
  }
  return perSecond(times * 1_000, since);
}

/** XREADGROUP of 100 and their XACK, from one process. */
async function rawWork(redis: Redis, count: number): Promise<number> {
  await redis.xgroup('CREATE', 'raw', 'g', '0', 'MKSTREAM');
  await rawAdds(redis, count / 1_000);
  const since = now();
  for (let done = 0; done < count; ) {
    const reply = (await redis.call(
      'XREADGROUP',
      'GROUP',
      'g',
      'c',
      'COUNT',
      '100',
      'STREAMS',
      'raw',
      '>',
    )) as [string, [string, string[]][]] | [[string, [string, string[]][]]];
    const entries = (Array.isArray(reply[0]) ? reply[0][1] : reply[1]) as [string, string[]][];
    await redis.xack('raw', 'g', ...entries.map(([entry]) => entry));
    done += entries.length;
  }
  return perSecond(count, since);
}

/** Adds `count` tasks, then lets workers handle them; tells the rate, and what both cost Redis. */
async function handle(
  contestant: Contestant,
  stage: Stage,
  { concurrency, processes, count }: { concurrency: number; processes: number; count: number },
): Promise<{ rate: number; cpu: number; rss: number }> {
  const opened = await contestant.open(stage.url);
  const before = await stage.observer.counters();
  await addAll(() => opened.add(PAYLOAD), count, 100);
  await opened.close();
  const crew = new Crew({
    contestant: contestant.name,
    url: stage.url,
    processes,
    concurrency,
    how: 'count',
  });
  stage.onCrew(crew);
  // Those that start first have a head start: what is handled until all are ready is not counted.
  await crew.started();
  const [since, already] = [now(), crew.handled];
  await crew.until(() => crew.handled >= count);
  const rate = perSecond(count - already, since);
  const { rss } = await crew.stop();
  const { cpu } = await stage.observer.counters();
  return { rate, cpu: (cpu - before.cpu) / count, rss };
}

async function throughput(contestant: Contestant, stage: Stage): Promise<Numbers> {
  const numbers: Record<string, number> = {};
  for (const concurrency of [1, 10, 100]) {
    await stage.redis.flushall();
    const count = contestant === contestants[0] ? stage.plan.tasks * 4 : stage.plan.tasks;
    const { rate, cpu, rss } = await handle(contestant, stage, { concurrency, processes: 1, count });
    numbers[`tasks/s, concurrency ${concurrency}`] = rate;
    numbers[`Redis CPU µs/task, concurrency ${concurrency}`] = cpu;
    numbers[`peak RSS MiB, concurrency ${concurrency}`] = rss / 2 ** 20;
  }
  await stage.redis.flushall();
  if (contestant === contestants[0]) {
    numbers['raw limit: XREADGROUP of 100 and XACK, tasks/s'] = await rawWork(stage.redis, stage.plan.tasks);
  }
  return numbers;
}

async function processes(contestant: Contestant, stage: Stage): Promise<Numbers> {
  const numbers: Record<string, number> = {};
  for (const count of [1, 2, 4]) {
    await stage.redis.flushall();
    const tasks = (contestant === contestants[0] ? 6 : 1) * stage.plan.tasks * 2;
    const { rate } = await handle(contestant, stage, { concurrency: 100, processes: count, count: tasks });
    numbers[`tasks/s, ${count} worker ${count === 1 ? 'process' : 'processes'}`] = rate;
  }
  return numbers;
}

async function latency(contestant: Contestant, stage: Stage): Promise<Numbers> {
  const { url, plan } = stage;
  const crew = new Crew({ contestant: contestant.name, url, processes: 1, concurrency: 10, how: 'latency' });
  stage.onCrew(crew);
  await crew.started();
  const opened = await contestant.open(url);
  const begin = now();
  const count = plan.seconds * 500;
  const adds: Promise<unknown>[] = [];
  for (let n = 0; n < count; n += 1) {
    const due = begin + n * 2;
    if (due > now()) await new Promise((resolve) => setTimeout(resolve, due - now()));
    adds.push(opened.add({ at: performance.timeOrigin + performance.now() }));
  }
  await Promise.all(adds);
  await crew.until(() => crew.handled >= count);
  const { latencies } = await crew.stop();
  await opened.close();
  const settled = latencies.slice(count / 10);
  return {
    'start after add, p50 ms': quantile(settled, 0.5),
    'start after add, p99 ms': quantile(settled, 0.99),
  };
}

async function memory(contestant: Contestant, stage: Stage): Promise<Numbers> {
  const { plan, observer, url } = stage;
  const opened = await contestant.open(url);
  await opened.add(PAYLOAD);
  const before = (await observer.counters()).memory;
  for (let n = 0; n < plan.tasks; n += 1_000) {
    await opened.addMany(Array.from({ length: Math.min(1_000, plan.tasks) }, () => PAYLOAD));
  }
  const waiting = (await observer.counters()).memory;
  const crew = new Crew({ contestant: contestant.name, url, processes: 1, concurrency: 100, how: 'count' });
  stage.onCrew(crew);
  await crew.started();
  await crew.until(() => crew.handled >= plan.tasks + 1);
  await crew.stop();
  await opened.close();
  const finished = (await observer.counters()).memory;
  return {
    'bytes a waiting task of 200': (waiting - before) / plan.tasks,
    'bytes a finished task, its result kept': (finished - before) / plan.tasks,
  };
}

/** A worker that is frozen past its lease of a second, and goes on when another has done its tasks. */
async function stale(contestant: Contestant, stage: Stage): Promise<Numbers> {
  const { url, redis } = stage;
  const count = 10;
  const opened = await contestant.open(url);
  const common = { contestant: contestant.name, url, processes: 1, concurrency: count, lease: 1_000 };
  const frozen = new Crew({ ...common, how: 'hold' });
  stage.onCrew(frozen);
  await frozen.started();
  const ids = await Promise.all(Array.from({ length: count }, () => opened.add(PAYLOAD)));
  await frozen.until(() => frozen.begun === count);
  frozen.signal('SIGSTOP');
  const other = new Crew({ ...common, how: 'effect' });
  stage.onCrew(other);
  await other.started();
  await other.until(() => other.handled >= count);
  frozen.signal('SIGCONT');
  frozen.goOn();
  await frozen.until(() => frozen.handled >= count);
  await Promise.all([frozen.stop(), other.stop()]);
  const [pid] = frozen.pids;
  const outcomes = await Promise.all(ids.map((id) => opened.outcome(id)));
  const effects = await redis.mget(ids.map((id) => `{effects}:effect:${id}`));
  await opened.close();
  const by = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Reflect.get(value, 'by') === pid;
  return {
    'tasks of a frozen worker': count,
    'its completions that were accepted': outcomes.filter(({ result }) => result === pid).length,
    'its progress that was accepted after': outcomes.filter(({ progress }) => by(progress)).length,
    'effects that happened twice': effects.filter((times) => Number(times) > 1).length,
  };
}

/** A queue that is full of other things, against an empty one. */
async function backlog(contestant: Contestant, stage: Stage): Promise<Numbers> {
  if (contestant !== contestants[0]) return {};
  const { plan, redis, url } = stage;
  const count = plan.tasks * 4;
  const empty = await handle(contestant, stage, { concurrency: 100, processes: 1, count });
  await redis.flushall();
  const { createQueue } = await import('@holdfast/queue');
  await using queue = createQueue({ redis: url, name: 'bench', limits: { retain: { count: 1_000_000 } } });
  const chunked = async (total: number, add: (n: number) => Promise<unknown>): Promise<void> => {
    for (let n = 0; n < total; n += 1_000)
      await Promise.all(Array.from({ length: 1_000 }, (_, m) => add(n + m)));
  };
  await chunked(plan.backlog, (n) => queue.add(n));
  await chunked(plan.backlog / 10, (n) => queue.add(n, { delay: 3_600_000 + n }));
  await chunked(plan.backlog / 100, (n) => queue.add(n, { key: `key ${n}` }));
  const full = await handle(contestant, stage, { concurrency: 100, processes: 1, count });
  return { 'tasks/s, empty queue': empty.rate, 'tasks/s, full queue': full.rate };
}

export type Workload = (contestant: Contestant, stage: Stage) => Promise<Numbers>;

/** By their names on the command line. */
export const workloads: ReadonlyMap<string, Workload> = new Map(
  Object.entries({ enqueue, bulk, throughput, processes, latency, memory, stale, backlog }),
);
