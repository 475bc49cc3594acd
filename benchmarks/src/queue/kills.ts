/**
 * `npm run bench -- queue-kills`: workers that are killed, one each two seconds, under 2,000 tasks a second.
 *
 * Guarantees: every task that was added is looked for in the end, by the effect in its completion. Starts are counted in
 * Redis before a handler goes on, so that those of killed workers count, too.
 */
import { setTimeout } from 'node:timers/promises';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createQueue, type Queue } from '@holdfast/queue';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { describeMachine, number, type Report } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { never } from '../harness/targets.js';

const PER_SECOND = 2_000;
/** Adds in one call. */
const BATCH = 10;
const WORKERS = 3;
/** In ms. */
const KILLED_EACH = 2_000;
/** In s, unless --size says otherwise. */
const MEASURED = 600;
const QUICK = 6;
/** Within which time all tasks have ended after the last add, in ms. */
const ENDED = 60_000;
const EFFECTS = '{queue:kills}:of-the-benchmark:effects';
const STARTS = '{queue:kills}:of-the-benchmark:starts';

export const queueKills: Benchmark = {
  about: 'workers that are killed, one each 2 s, under 2,000 tasks a second; --size is for how many seconds',
  workloads: ['kills'],
  rounds: 1,
  open: (call) => new KillsRun(call),
};

interface Outcome {
  readonly added: number;
  readonly kills: number;
  readonly lost: number;
  readonly twice: number;
  readonly repeated: number;
  /** From the last add until the last end, in ms. */
  readonly rest: number;
}

class KillsRun implements Run {
  readonly #call: Call;
  readonly #workers: MeasuringProcess[] = [];
  #nodes: LocalNodes | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { rounds, quick, size, command, progress } = this.#call;
    const environment = { ...describeMachine(), rounds: String(rounds) };
    this.#nodes = await startNodes(1);
    const url = this.#nodes.urls[0] ?? '';
    const seconds = size ?? (quick ? QUICK : MEASURED);
    const outcomes: Outcome[] = [];
    for (let round = 0; round < rounds; round += 1) {
      progress(`round ${round + 1}: ${seconds} s`);
      outcomes.push(await this.#measure(url, seconds));
    }
    const of = (name: keyof Outcome): readonly number[] => outcomes.map((outcome) => outcome[name]);
    return {
      title: 'Workers that are killed',
      command,
      environment,
      targets: [
        never('tasks that were lost', spread(of('lost'))),
        never('tasks with their effect twice', spread(of('twice'))),
      ],
      tables: [
        {
          title: 'kills',
          about: `${PER_SECOND} tasks a second for ${seconds} s; ${WORKERS} processes, of which one is killed (SIGKILL) each ${KILLED_EACH} ms and replaced. A handler takes 5 ms; leases are of 2 s. Repeated starts are those of a handler beyond the first one of its task.`,
          columns: ['round', 'tasks', 'kills', 'lost', 'effects twice', 'repeated starts', 'rest, ms'],
          rows: outcomes.map(({ added, kills, lost, twice, repeated, rest }, round) =>
            [round + 1, added, kills, lost, twice, repeated, rest].map((value) => number(value, 1)),
          ),
        },
      ],
      remarks: ['The effect is a command in the completion of the task (`task.effect`).'],
      data: outcomes,
    };
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers.splice(0)) worker.stop();
    await this.#nodes?.stop();
  }

  async #measure(url: string, seconds: number): Promise<Outcome> {
    await using queue = createQueue<number>({
      ...{ redis: url, name: 'kills', limits: { retain: { count: 100 } } },
      // However many of those are killed that have a task, it is no dead letter.
      attempts: 100,
    });
    const redis = new Redis(url);
    try {
      for (let count = 0; count < WORKERS; count += 1) await this.#startWorker(url);
      const killing = this.#kill(url, seconds);
      const added = await addAll(queue, seconds);
      const kills = await killing;
      const rest = await untilEnded(queue);
      for (const worker of this.#workers.splice(0)) worker.stop();
      const { lost, twice } = await countEffects(redis, added);
      let starts = 0;
      for await (const count of valuesOf(redis, STARTS)) starts += count;
      return { added, kills, lost, twice, repeated: starts - added, rest };
    } finally {
      await redis.flushall();
      redis.disconnect();
    }
  }

  /** Resolves to how many were killed. */
  async #kill(url: string, seconds: number): Promise<number> {
    const until = performance.now() + seconds * 1_000;
    let kills = 0;
    for (;;) {
      await setTimeout(KILLED_EACH);
      if (performance.now() > until) return kills;
      this.#workers.shift()?.stop();
      kills += 1;
      // On a slow machine its turn to be killed may come before it has started.
      void this.#startWorker(url).catch(() => {});
    }
  }

  async #startWorker(url: string): Promise<void> {
    const worker = new MeasuringProcess(processFile(import.meta.url, 'kills-process'), [
      url,
      STARTS,
      EFFECTS,
    ]);
    this.#workers.push(worker);
    await worker.started();
  }
}

/** Resolves to how many tasks were added: their data are the numbers below it. */
async function addAll(queue: Queue<number, number>, seconds: number): Promise<number> {
  const adds: Promise<unknown>[] = [];
  const began = performance.now();
  const count = seconds * PER_SECOND;
  for (let first = 0; first < count; first += BATCH) {
    const due = began + (first * 1_000) / PER_SECOND;
    if (due > performance.now()) await setTimeout(due - performance.now());
    adds.push(queue.addMany(Array.from({ length: BATCH }, (_, index) => ({ data: first + index }))));
    if (adds.length > 1_000) await Promise.all(adds.splice(0));
  }
  await Promise.all(adds);
  return count;
}

async function untilEnded(queue: Queue<number, number>): Promise<number> {
  const began = performance.now();
  for (;;) {
    const { waiting, active, delayed } = await queue.counts();
    const took = performance.now() - began;
    if (waiting + active + delayed === 0 || took > ENDED) return took;
    await setTimeout(20);
  }
}

async function countEffects(redis: Redis, added: number): Promise<{ lost: number; twice: number }> {
  let [done, twice] = [0, 0];
  for await (const count of valuesOf(redis, EFFECTS)) {
    done += 1;
    if (count > 1) twice += 1;
  }
  return { lost: added - done, twice };
}

/** Of a hash of counts that does not change any more. */
async function* valuesOf(redis: Redis, key: string): AsyncGenerator<number, void> {
  const seen = new Set<string>();
  for await (const items of redis.hscanStream(key, { count: 1_000 }) as AsyncIterable<string[]>) {
    for (let index = 0; index < items.length; index += 2) {
      const field = items[index] ?? '';
      if (seen.has(field)) continue;
      seen.add(field);
      yield Number(items[index + 1]);
    }
  }
}
