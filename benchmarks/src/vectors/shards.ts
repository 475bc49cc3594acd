/**
 * `npm run bench -- vectors-shards`: what it costs to ask several shards and to make one answer of theirs.
 *
 * Guarantees: all have the same documents, in one Redis, and answer the same queries with the lists that the same recall needs; they
 * take turns within a round. What is shared by shards in one process is measured, not what more machines would add.
 */

import { seededRandom } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import {
  createIndex,
  createShardedIndex,
  type Document,
  type FindOptions,
  type Results as Found,
  type VectorIndexStats,
} from '@holdfast/vectors';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { note, type Results, tableOf } from '../harness/results.js';
import { quantile } from '../harness/statistics.js';
import { turns } from '../harness/turns.js';
import { DIMENSIONS, exactAnswers, NEAREST, vectorSource } from './data.js';

const SEED = 20_240_607;
const KINDS = 10;
/** Of more vectors, one contestant at a time is in the memory: all of them would need some 15 GiB. */
const MANY = 300_000;
/** Writes that are under way at a time. */
const AT_ONCE = 256;

export const vectorsShards: Benchmark = {
  about: 'an index of vectors in one part and in several, and what gathering costs',
  workloads: ['search', 'search with facets', 'hybrid search'],
  open: (call) => new ShardsBenchmark(call),
};

interface Contestant {
  readonly name: string;
  put(document: Document): Promise<unknown>;
  ready(): Promise<void>;
  stats(): readonly VectorIndexStats[];
  search(asked: FindOptions): Promise<Pick<Found, 'hits'>>;
  close(): Promise<void>;
}

const COMMON = { schema: { kind: 'tag' }, vectors: { dimensions: DIMENSIONS }, keywords: {} } as const;

/** Texts of words of which some are frequent and most are rare, as those of a language are. */
const WORDS = 20_000;
const [WORDS_OF_TEXT, WORDS_OF_QUERY] = [40, 4];

function textSource(seed: number): (words: number) => string {
  const random = seededRandom(seed);
  const word = (): string => `w${Math.floor(WORDS ** random.unit()).toString(36)}`;
  return (words) => Array.from({ length: words }, word).join(' ');
}

function oneIndex(redis: string): Contestant {
  const index = createIndex({ ...COMMON, redis, name: 'one' });
  return {
    name: 'one index',
    put: (document) => index.put(document),
    ready: () => index.ready(),
    stats: () => [index.stats()],
    search: (asked) => index.search(asked),
    close: () => index.close(),
  };
}

const inShards =
  (shards: number, isElsewhere = false) =>
  (redis: string): Contestant =>
    shardedIndex(redis, shards, isElsewhere);

/** With `isElsewhere`, another index of this process holds half of them, and is asked by text, as over a network that takes no time. */
function shardedIndex(redis: string, shards: number, isElsewhere: boolean): Contestant {
  const name = `${shards} shards${isElsewhere ? ', half asked by text' : ''}`;
  const options = { ...COMMON, redis, name: isElsewhere ? 'apart' : 'parts', shards };
  const numbers = Array.from({ length: shards }, (_, shard) => shard);
  const own = isElsewhere ? numbers.slice(shards / 2) : numbers;
  const there = createShardedIndex({
    ...options,
    hold: isElsewhere ? numbers.slice(0, shards / 2) : [],
    peers: () => Promise.reject(new Error('it is not asked')),
  });
  const index = createShardedIndex({ ...options, hold: own, peers: (_, call) => there.answer(call) });
  const both = [index, there];
  return {
    name,
    put: (document) => index.put(document),
    ready: async () => void (await Promise.all(both.map((each) => each.ready()))),
    stats: () => both.flatMap((each) => [...each.stats().values()]),
    search: (asked) => index.search(asked),
    close: async () => void (await Promise.all(both.map((each) => each.close()))),
  };
}

class ShardsBenchmark implements Run {
  readonly #call: Call;
  readonly #results: Results = new Map();
  #nodes: LocalNodes | undefined;
  #contestants: readonly Contestant[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, progress } = this.#call;
    const environment = describeMachine();
    const stored = this.#call.size ?? (quick ? 2_000 : 50_000);
    const source = vectorSource(SEED, Math.max(20, Math.round(stored / 125)));
    progress(`makes ${stored} vectors of ${DIMENSIONS} dimensions, seed ${SEED}`);
    const base = source.next(stored);
    const queries = source.next(quick ? 50 : 500);
    const answers = exactAnswers(queries, base);
    const text = textSource(SEED);
    const texts = queries.map(() => text(WORDS_OF_QUERY));
    this.#nodes = await startNodes(1);
    const makers = [oneIndex, inShards(2), inShards(4), inShards(4, true)];
    const names: string[] = [];
    for (const group of stored > MANY ? makers.map((make) => [make]) : [makers]) {
      const [redis = ''] = this.#nodes.urls;
      this.#contestants = group.map((make) => make(redis));
      names.push(...this.#contestants.map(({ name }) => name));
      for (const each of this.#contestants) await this.#fill(each, base);
      for (let round = 0; round < rounds; round += 1) {
        progress(`round ${round + 1}`);
        for (const each of turns(this.#contestants, round)) {
          for (const workload of this.#call.workloads)
            await this.#search(each, workload, { queries, answers, texts });
        }
      }
      if (group !== makers) await this.#startAnew();
    }
    return {
      title: 'An index of vectors in several shards',
      command: this.#call.command,
      environment: {
        ...{ ...environment, rounds: String(rounds), seed: String(SEED) },
        ...{ vectors: `${stored} of ${DIMENSIONS} dimensions`, queries: String(queries.length) },
      },
      targets: [],
      tables: [...this.#call.workloads].map((workload) =>
        tableOf(this.#results, {
          ...{
            workload,
            about: `The ${NEAREST} ${workload.startsWith('hybrid') ? `best by a vector and ${WORDS_OF_QUERY} words, fused by ranks` : 'nearest'}, one search after another; median of the rounds (min–max).`,
          },
          ...{ contestants: names, isCompared: false },
        }),
      ),
      remarks: [
        'All shards are in this process, so that nothing is gained by more processors: what is left is the cost of asking and merging.',
        `A hybrid search asks shards twice: for how rare the words are, and for what each half finds. Documents have ${WORDS_OF_TEXT} words, of ${WORDS} of which the n-th is as frequent as 1/n says.`,
        `Facets count the ${KINDS} values of an attribute over all documents.`,
      ],
      data: this.#results,
    };
  }

  /** With an empty server. */
  async #startAnew(): Promise<void> {
    await this.stop();
    this.#nodes = await startNodes(1);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#contestants.map((each) => each.close()));
    this.#contestants = [];
    await this.#nodes?.stop();
    this.#nodes = undefined;
  }

  async #fill(contestant: Contestant, base: readonly Float32Array[]): Promise<void> {
    this.#call.progress(`fills ${contestant.name}`);
    const text = textSource(SEED + 1);
    for (let from = 0; from < base.length; from += AT_ONCE) {
      const some = base.slice(from, from + AT_ONCE);
      await Promise.all(
        some.map((vector, at) => {
          const attributes = { kind: `k${(from + at) % KINDS}` };
          return contestant.put({ id: `${from + at}`, vector, attributes, text: text(WORDS_OF_TEXT) });
        }),
      );
    }
    await contestant.ready();
    // It trains itself beside all else.
    while (contestant.stats().some(({ vectors }) => vectors === undefined || vectors.isTrainingDue)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #search(
    contestant: Contestant,
    workload: string,
    asked: {
      readonly queries: readonly Float32Array[];
      readonly answers: readonly ReadonlySet<number>[];
      readonly texts: readonly string[];
    },
  ): Promise<void> {
    const facets = workload === 'search with facets' ? ['kind'] : [];
    const times: number[] = [];
    let found = 0;
    for (const [at, vector] of asked.queries.entries()) {
      const text = workload === 'hybrid search' ? { text: asked.texts[at] ?? '' } : {};
      const began = performance.now();
      const { hits } = await contestant.search({ vector, facets, limit: NEAREST, ...text });
      times.push(performance.now() - began);
      found += hits.filter(({ id }) => asked.answers[at]?.has(Number(id))).length;
    }
    note(
      this.#results,
      { workload, contestant: contestant.name },
      {
        [`p50 of a ${workload}, ms`]: quantile(times, 0.5),
        [`p99 of a ${workload}, ms`]: quantile(times, 0.99),
        ...(workload === 'search' && { 'recall@10': found / (NEAREST * asked.queries.length) }),
      },
    );
  }
}
