/**
 * `npm run bench -- vectors`: an index in memory beside usearch and hnswlib-node, at equal recall.
 *
 * Guarantees: all store the same vectors and answer the same queries, but for `many` on one thread. The effort of each is the least that
 * reaches the recall on queries of their own; the recall that is told is of those that are timed. Contestants take turns within a
 * round.
 */
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report, type Target } from '../harness/report.js';
import { note, type Results, tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { DIMENSIONS, exactAnswers, NEAREST, vectorSource } from './data.js';
import { contestants, type Engine, THREADS } from './engines.js';

const SEED = 20_240_607;
const RECALLS = [0.95, 0.98];

export const vectors: Benchmark = {
  about: 'an index of vectors beside usearch and hnswlib-node, at equal recall, without Redis',
  workloads: ['build', ...RECALLS.map(workloadOf), 'many', 'insert'],
  open: (call) => new VectorsBenchmark(call),
};

function workloadOf(recall: number): string {
  return `recall ${recall}`;
}

interface Questions {
  readonly queries: readonly Float32Array[];
  readonly answers: readonly ReadonlySet<number>[];
}

class VectorsBenchmark implements Run {
  readonly #call: Call;
  readonly #engines: Engine[] = [];
  readonly #results: Results = new Map();
  /** What engines say of their memory. */
  readonly #counted: string[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, progress } = this.#call;
    const environment = describeMachine();
    const stored = this.#call.size ?? (quick ? 5_000 : 50_000);
    const asked = quick ? 50 : 500;
    const inserted = quick ? 50 : 500;
    const clusters = Math.max(20, Math.round(stored / 125));
    progress(`makes ${stored} vectors of ${DIMENSIONS} dimensions, seed ${SEED}`);
    const source = vectorSource(SEED, clusters);
    const base = source.next(stored);
    const ask = (): Questions => {
      const queries = source.next(asked);
      return { queries, answers: exactAnswers(queries, base) };
    };
    const [choosing, timing] = [ask(), ask()];
    const { makers, remarks } = contestants();
    for (const make of makers) {
      await this.#build(() => make(stored + inserted * rounds, SEED), base);
    }
    for (const recall of RECALLS.filter((each) => this.#call.workloads.has(workloadOf(each)))) {
      this.#compare(recall, choosing, timing);
    }
    if (this.#call.workloads.has('many')) await this.#many(choosing, timing);
    if (this.#call.workloads.has('insert')) this.#insert(source.next(inserted * rounds), stored, inserted);
    return {
      title: 'An index of vectors beside graphs',
      command: this.#call.command,
      environment: {
        ...{ ...environment, rounds: String(rounds), seed: String(SEED) },
        ...{ vectors: `${stored} of ${DIMENSIONS} dimensions, ${clusters} clusters`, queries: String(asked) },
      },
      targets: this.#targets(),
      tables: this.#tables(),
      remarks: [
        ...remarks,
        'The vectors are made, not of a model: clusters of uneven size and width on a curved surface of 32 dimensions, with noise. Yours may be easier or harder.',
        'Every engine runs in one process, and but for `many` on one thread. The ids of holdfast are strings, those of the others numbers.',
        'Memory is what each counts itself, and for the peers the size of the file that they write of the index, which leaves out what they need beyond that. By how much the process grows is less sure: memory that an earlier engine has given back counts less.',
        ...this.#counted,
      ],
      data: this.#results,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#engines.splice(0).map((engine) => engine.close()));
  }

  async #build(make: () => Engine, base: readonly Float32Array[]): Promise<void> {
    await settle();
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    const began = performance.now();
    const engine = make();
    this.#engines.push(engine);
    this.#call.progress(`builds ${engine.name}`);
    base.forEach((vector, at) => {
      engine.add(at, vector);
    });
    await engine.train();
    const seconds = (performance.now() - began) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    await settle();
    const after = process.memoryUsage();
    const parts = { ...engine.bytes(), 'in the heap': Math.max(0, after.heapUsed - memory.heapUsed) };
    this.#counted.push(`${engine.name}, in MiB: ${partsIn(parts)}.`);
    note(
      this.#results,
      { workload: 'build', contestant: engine.name },
      {
        'build, s': seconds,
        'build, s of CPU': (user + system) / 1e6,
        'memory, MiB': sumOf(parts) / 2 ** 20,
        'growth of the process, MiB': (after.rss - memory.rss) / 2 ** 20,
      },
    );
  }

  #compare(recall: number, choosing: Questions, timing: Questions): void {
    const { rounds, progress } = this.#call;
    const workload = workloadOf(recall);
    const efforts = new Map(this.#engines.map((engine) => [engine, leastEffort(engine, recall, choosing)]));
    for (let round = -1; round < rounds; round += 1) {
      progress(`${workload}, round ${round + 1}`);
      for (const engine of turns(this.#engines, Math.max(round, 0))) {
        const effort = efforts.get(engine) as number;
        engine.use(effort);
        engine.search(timing.queries[0] as Float32Array);
        const numbers = timed(engine, timing);
        if (round < 0) continue; // until the code is compiled
        note(
          this.#results,
          { workload, contestant: engine.name },
          {
            [`searches/s at ${recall}`]: numbers.rate,
            [`p50, ms at ${recall}`]: quantile(numbers.times, 0.5),
            [`p99, ms at ${recall}`]: quantile(numbers.times, 0.99),
            [`recall at ${recall}`]: numbers.recall,
            [`lists or candidates at ${recall}`]: effort,
          },
        );
      }
    }
  }

  /** All queries in one call, on threads, with the effort of the lower recall. */
  async #many(choosing: Questions, { queries }: Questions): Promise<void> {
    const able = this.#engines.filter(({ searchMany }) => searchMany !== undefined);
    for (const engine of able) engine.use(leastEffort(engine, RECALLS[0]!, choosing));
    for (let round = -1; round < this.#call.rounds; round += 1) {
      this.#call.progress(`many, round ${round + 1}`);
      for (const engine of turns(able, Math.max(round, 0))) {
        const began = performance.now();
        const found = await engine.searchMany?.(queries);
        const rate = queries.length / ((performance.now() - began) / 1_000);
        if (found !== NEAREST * queries.length) throw new Error(`${engine.name} found ${found}`);
        if (round < 0) continue; // until the threads have begun
        note(this.#results, { workload: 'many', contestant: engine.name }, { 'searches/s on threads': rate });
      }
    }
  }

  #insert(fresh: readonly Float32Array[], stored: number, count: number): void {
    for (let round = 0; round < this.#call.rounds; round += 1) {
      this.#call.progress(`insert, round ${round + 1}`);
      for (const engine of turns(this.#engines, round)) {
        const began = performance.now();
        for (let i = round * count; i < (round + 1) * count; i++) engine.add(stored + i, fresh[i]!);
        const rate = count / ((performance.now() - began) / 1_000);
        note(this.#results, { workload: 'insert', contestant: engine.name }, { 'inserts/s': rate });
      }
    }
  }

  get #names(): string[] {
    return this.#engines.map(({ name }) => name);
  }

  #targets(): Target[] {
    const [own = '', ...peers] = this.#names;
    const ratio = (metric: string, peer: string) =>
      pairedRatio(valuesOf(this.#results, metric, own), valuesOf(this.#results, metric, peer));
    return peers.flatMap((peer) => [
      ...RECALLS.filter((recall) => this.#call.workloads.has(workloadOf(recall))).map((recall) =>
        atLeast(`searches at ${recall}, to ${peer}`, ratio(`searches/s at ${recall}`, peer), 2),
      ),
      atMost(`CPU of the build, to ${peer}`, ratio('build, s of CPU', peer), 0.1),
      atMost(`memory, to ${peer}`, ratio('memory, MiB', peer), 0.6),
      ...(this.#call.workloads.has('insert')
        ? [atLeast(`inserts, to ${peer}`, ratio('inserts/s', peer), 20)]
        : []),
    ]);
  }

  #tables() {
    const about: Record<string, string> = {
      build: 'All vectors one after the other, and for holdfast the training. Once.',
      many: `All queries in one call, on ${THREADS} threads that share the index, with the effort of recall ${RECALLS[0]}.`,
      insert: 'More vectors, into the index that is built.',
    };
    const fallback = `The ${NEAREST} nearest, one search at a time; median of the rounds (min–max). The effort is the least that reaches the recall on other queries.`;
    return vectors.workloads
      .filter((workload) => this.#call.workloads.has(workload) || workload === 'build')
      .map((workload) =>
        tableOf(this.#results, {
          ...{ workload, about: about[workload] ?? fallback },
          ...{ contestants: this.#names, isCompared: true },
        }),
      );
  }
}

/** Until nothing that is garbage is kept any more. */
async function settle(): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const sumOf = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((all, bytes) => all + bytes, 0);

/** `codes 3.2, rows 18.3`: those that are not empty, and the sum. */
function partsIn(parts: Readonly<Record<string, number>>): string {
  const told = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const each = Object.entries(parts).flatMap(([name, bytes]) =>
    bytes > 0 ? [`${name} ${told(bytes)}`] : [],
  );
  return `${[...each, `together ${told(sumOf(parts))}`].join('; ')}`;
}

/** The least effort that reaches the recall, or the greatest there is. */
function leastEffort(engine: Engine, recall: number, questions: Questions): number {
  let [low, high] = [0, engine.efforts.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    engine.use(engine.efforts[middle]!);
    if (timed(engine, questions).recall >= recall) high = middle;
    else low = middle + 1;
  }
  return engine.efforts[low]!;
}

function timed(engine: Engine, { queries, answers }: Questions) {
  let found = 0;
  const times: number[] = [];
  const began = performance.now();
  for (const [i, query] of queries.entries()) {
    const start = performance.now();
    const hits = engine.search(query);
    times.push(performance.now() - start);
    for (const hit of hits) if (answers[i]?.has(hit)) found += 1;
  }
  const rate = queries.length / ((performance.now() - began) / 1_000);
  return { rate, times, recall: found / (NEAREST * queries.length) };
}
