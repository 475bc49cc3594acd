/**
 * `npm run bench -- vectors-server`: an index whose vectors are in the memory of this process beside one whose vectors Redis 8
 * searches, through the same calls.
 *
 * Guarantees: both have the same documents, in servers of their own, and are asked the same. Recall is by exact answers.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createIndex, type Filter, type VectorIndex } from '@holdfast/vectors';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { note, type Results, tableOf } from '../harness/results.js';
import { quantile } from '../harness/statistics.js';
import { turns } from '../harness/turns.js';
import { DIMENSIONS, exactAnswers, NEAREST, vectorSource } from './data.js';

const SEED = 20_240_607;
/** Writes, and searches, that are under way at a time. */
const [AT_ONCE, ASKING] = [256, 8];
const ENGINES = ['memory', 'server'] as const;

type Engine = (typeof ENGINES)[number];

const attributesOf = (at: number) => ({ tenth: `t${at % 10}`, hundredth: `h${at % 100}` });

const FILTERS: Readonly<Record<string, { readonly filter: Filter | undefined; readonly of: number }>> = {
  search: { filter: undefined, of: 1 },
  'search of 10 %': { filter: { tenth: 't3' }, of: 10 },
  'search of 1 %': { filter: { hundredth: 'h3' }, of: 100 },
};

export const vectorsServer: Benchmark = {
  about: 'vectors in the memory of a process beside the vector sets of Redis 8, through the same calls',
  workloads: ['put', ...Object.keys(FILTERS)],
  rounds: 3,
  open: (call) => new ServerBenchmark(call),
};

interface Contestant {
  readonly engine: Engine;
  readonly index: VectorIndex;
  readonly redis: string;
}

interface Asked {
  readonly queries: readonly Float32Array[];
  readonly base: readonly Float32Array[];
}

class ServerBenchmark implements Run {
  readonly #call: Call;
  readonly #results: Results = new Map();
  readonly #nodes: LocalNodes[] = [];
  #contestants: Contestant[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, progress, workloads, command } = this.#call;
    const environment = describeMachine();
    const stored = this.#call.size ?? (quick ? 2_000 : 50_000);
    const source = vectorSource(SEED, Math.max(20, Math.round(stored / 125)));
    progress(`makes ${stored} vectors of ${DIMENSIONS} dimensions, seed ${SEED}`);
    const base = source.next(stored);
    const queries = source.next(quick ? 20 : 200);
    process.env['HOLDFAST_REDIS_SERVER'] ||= await redisEight();
    for (const engine of ENGINES) await this.#open(engine);
    for (const each of this.#contestants) await this.#fill(each, base);
    for (const workload of [...workloads].filter((each) => each !== 'put'))
      await this.#compare(workload, { queries, base });
    return {
      ...{ title: 'Vectors in the process and in the server', command, targets: [] },
      environment: {
        ...{ ...environment, rounds: String(rounds), seed: String(SEED) },
        ...{ vectors: `${stored} of ${DIMENSIONS} dimensions`, queries: String(queries.length) },
      },
      tables: [...workloads].map((workload) =>
        tableOf(this.#results, {
          ...{ workload, contestants: ENGINES, isCompared: false },
          about:
            workload === 'put'
              ? `Until all documents are found, ${AT_ONCE} writes at a time; measured once.`
              : `The ${NEAREST} nearest; median of the rounds (min–max).`,
        }),
      ),
      remarks: [
        `Both have a Redis ${await this.#version()} beside this process. One search after another for p50 and p99, and ${ASKING} at a time for the rate. With the engine "server", a search also asks what was written last.`,
      ],
      data: this.#results,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#contestants.splice(0).map(({ index }) => index.close()));
    await Promise.all(this.#nodes.splice(0).map((nodes) => nodes.stop()));
  }

  async #open(engine: Engine): Promise<void> {
    const nodes = await startNodes(1);
    this.#nodes.push(nodes);
    const [redis = ''] = nodes.urls;
    const index = createIndex({
      ...{ redis, name: engine, vectors: { dimensions: DIMENSIONS, engine } },
      schema: { tenth: 'tag', hundredth: 'tag' },
    });
    this.#contestants.push({ engine, index, redis });
  }

  async #fill({ engine, index, redis }: Contestant, base: readonly Float32Array[]): Promise<void> {
    this.#call.progress(`fills ${engine}`);
    const began = performance.now();
    for (let from = 0; from < base.length; from += AT_ONCE) {
      const some = base.slice(from, from + AT_ONCE);
      await Promise.all(
        some.map((vector, at) =>
          index.put({ id: `${from + at}`, vector, attributes: attributesOf(from + at) }),
        ),
      );
    }
    await index.ready();
    const seconds = (performance.now() - began) / 1_000;
    // It trains itself beside all else.
    while (engine === 'memory' && index.stats().vectors?.isTrainingDue !== false)
      await new Promise((resolve) => setTimeout(resolve, 50));
    note(
      this.#results,
      { workload: 'put', contestant: engine },
      { 'puts/s': base.length / seconds, 'memory of Redis, MiB': (await usedBy(redis)) / 2 ** 20 },
    );
  }

  async #compare(workload: string, { queries, base }: Asked): Promise<void> {
    const { filter, of } = FILTERS[workload]!;
    const answers = exactAnswers(queries, base, (at) => of === 1 || at % of === 3);
    const find = async (index: VectorIndex, vector: Float32Array): Promise<number[]> => {
      const { hits } = await index.search({ vector, limit: NEAREST, ...(filter && { filter }) });
      return hits.map(({ id }) => Number(id));
    };
    for (let round = -1; round < this.#call.rounds; round += 1) {
      this.#call.progress(`${workload}, round ${round + 1}`);
      for (const { engine, index } of turns(this.#contestants, Math.max(round, 0))) {
        const times: number[] = [];
        let found = 0;
        for (const [at, query] of queries.entries()) {
          const began = performance.now();
          const hits = await find(index, query);
          times.push(performance.now() - began);
          found += hits.filter((hit) => answers[at]?.has(hit)).length;
        }
        const began = performance.now();
        for (let from = 0; from < queries.length; from += ASKING)
          await Promise.all(queries.slice(from, from + ASKING).map((query) => find(index, query)));
        const rate = queries.length / ((performance.now() - began) / 1_000);
        if (round < 0) continue; // until the code is compiled
        note(
          this.#results,
          { workload, contestant: engine },
          {
            [`p50 of a ${workload}, ms`]: quantile(times, 0.5),
            [`p99 of a ${workload}, ms`]: quantile(times, 0.99),
            [`${workload}, searches/s`]: rate,
            [`recall of a ${workload}`]: found / (NEAREST * queries.length),
          },
        );
      }
    }
  }

  async #version(): Promise<string> {
    const info = await asked(this.#contestants[0]?.redis ?? '', (redis) => redis.info('server'));
    return /redis_version:(\S+)/.exec(info)?.[1] ?? '';
  }
}

/** The path of one that runs it, which is installed into a folder of the repository if it is not there. */
async function redisEight(): Promise<string> {
  const others = new URL('../../../scripts/others.mjs', import.meta.url);
  const { debianServer } = (await import(others.href)) as { debianServer(name: string): string };
  return debianServer('redis-server');
}

const usedBy = async (url: string): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await asked(url, (redis) => redis.info('memory')))?.[1]);

async function asked<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
