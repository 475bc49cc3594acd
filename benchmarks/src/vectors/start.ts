/**
 * `npm run bench -- vectors-start`: how long a process that begins takes until it has everything, from the log in Redis and from a
 * snapshot.
 *
 * Guarantees: both are the same documents of one Redis, take turns within a round, and are checked to find the same number. The time
 * is until `ready()` resolves, and until the first search has its answer; a training that follows is not in it.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createIndex, type VectorIndexOptions } from '@holdfast/vectors';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { note, type Results, tableOf } from '../harness/results.js';
import { turns } from '../harness/turns.js';
import { DIMENSIONS, NEAREST, vectorSource } from './data.js';

const SEED = 20_240_607;
/** Writes that are under way at a time. */
const AT_ONCE = 256;
const CONTESTANTS = ['snapshot', 'log only'] as const;

export const vectorsStart: Benchmark = {
  about: 'how long an index takes to begin, from a snapshot and from the log alone',
  workloads: ['start'],
  rounds: 3,
  open: (call) => new StartBenchmark(call),
};

class StartBenchmark implements Run {
  readonly #call: Call;
  readonly #results: Results = new Map();
  #nodes: LocalNodes | undefined;
  #dir: string | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, progress, command } = this.#call;
    const environment = describeMachine();
    const stored = this.#call.size ?? (quick ? 2_000 : 250_000);
    this.#nodes = await startNodes(1);
    this.#dir = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
    const [redis = ''] = this.#nodes.urls;
    const common = {
      redis,
      name: 'start',
      schema: { kind: 'tag' },
      vectors: { dimensions: DIMENSIONS },
    } as const;
    const kept = { ...common, snapshots: { dir: this.#dir, every: 3_600_000 } };
    progress(`fills an index with ${stored} vectors of ${DIMENSIONS} dimensions, seed ${SEED}`);
    await fill(kept, stored);
    const { size } = await stat(join(this.#dir, 'start.snapshot'));
    const [query] = vectorSource(SEED + 1, 100).next(1);
    for (let round = 0; round < rounds; round += 1) {
      progress(`round ${round + 1}`);
      for (const contestant of turns(CONTESTANTS, round)) {
        const measured = await start(contestant === 'snapshot' ? kept : common, query as Float32Array);
        if (measured.documents !== stored)
          throw new Error(`${contestant} has ${measured.documents} documents.`);
        note(this.#results, { workload: 'start', contestant }, measured.figures);
      }
    }
    return {
      ...{ title: 'How long an index takes to begin', command, targets: [] },
      environment: {
        ...{ ...environment, rounds: String(rounds), seed: String(SEED) },
        vectors: `${stored} of ${DIMENSIONS} dimensions, in a snapshot of ${Math.round(size / 2 ** 20)} MiB`,
      },
      tables: [
        tableOf(this.#results, {
          ...{ workload: 'start', contestants: CONTESTANTS, isCompared: false },
          about:
            'From createIndex() on, in one process with the server beside it; median of the rounds (min–max).',
        }),
      ],
      remarks: [
        'From the log alone, the vectors are not sorted into lists yet: that is done beside the first searches.',
      ],
      data: this.#results,
    };
  }

  async stop(): Promise<void> {
    await this.#nodes?.stop();
    this.#nodes = undefined;
    if (this.#dir) await rm(this.#dir, { recursive: true, force: true });
  }
}

async function fill(options: VectorIndexOptions, stored: number): Promise<void> {
  const index = createIndex(options);
  const source = vectorSource(SEED, Math.max(20, Math.round(stored / 125)));
  for (let from = 0; from < stored; from += AT_ONCE) {
    const some = source.next(Math.min(AT_ONCE, stored - from));
    await Promise.all(
      some.map((vector, at) =>
        index.put({ id: `d${from + at}`, vector, attributes: { kind: `k${at % 10}` } }),
      ),
    );
  }
  await index.ready();
  // It trains itself beside all else.
  while (index.stats().vectors?.isTrainingDue !== false)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await index.close();
}

async function start(options: VectorIndexOptions, vector: Float32Array) {
  const [began, used] = [performance.now(), process.cpuUsage()];
  const index = createIndex(options);
  await index.ready();
  const ready = performance.now() - began;
  const { user, system } = process.cpuUsage(used);
  await index.search({ vector, limit: NEAREST });
  const answered = performance.now() - began;
  const { documents, snapshotFailure } = index.stats();
  if (snapshotFailure) throw new Error(snapshotFailure);
  await index.close();
  const figures = {
    'until it is ready, s': ready / 1_000,
    'until the first answer, s': answered / 1_000,
    'CPU of the process, s': (user + system) / 1e6,
  };
  return { documents, figures };
}
