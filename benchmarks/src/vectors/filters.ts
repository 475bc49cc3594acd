/**
 * `npm run bench -- vectors-filters`: what a filter makes of a search, beside hnswlib-node, which asks a function for each vector
 * that it comes by.
 *
 * Guarantees: both have the same vectors and answer the same queries, of which the exact answers among those that match are known;
 * they take turns within a round. Holdfast is asked as an application asks it: an index in Redis, by `search`.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createIndex, type Filter, type VectorIndex } from '@holdfast/vectors';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report, type Target } from '../harness/report.js';
import { note, type Results, tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { DIMENSIONS, exactAnswers, NEAREST, vectorSource } from './data.js';
import { hierarchicalIndex } from './engines.js';
import { peerOf } from './peers.js';

const SEED = 20_240_607;
/** Writes that are under way at a time. */
const AT_ONCE = 256;
/** Candidates of hnswlib-node: its recall without a filter is 0.97 then. */
const PEER_EFFORT = 64;
const [OWN, PEER] = ['holdfast', 'hnswlib-node f32'];

/** By name, which part of all vectors matches, and what is at most wanted of the time of hnswlib-node. */
const PARTS = [
  { workload: 'tag of 10 %', of: 10, kind: 'tag', isChanging: false, most: 0.2 },
  { workload: 'tag of 1 %', of: 100, kind: 'tag', isChanging: false, most: 0.05 },
  { workload: 'number of 10 %', of: 10, kind: 'number', isChanging: false, most: 0.2 },
  { workload: 'number of 1 %', of: 100, kind: 'number', isChanging: false, most: 0.05 },
  { workload: 'number of 1 %, changed before each', of: 100, kind: 'number', isChanging: true, most: 1 },
] as const;

type Part = (typeof PARTS)[number];

export const vectorsFilters: Benchmark = {
  about: 'searches of documents with a filter, beside hnswlib-node',
  workloads: [...PARTS.map(({ workload }) => workload), 'facets'],
  open: (call) => new FiltersBenchmark(call),
};

const attributesOf = (at: number, stored: number) => ({
  tenth: `t${at % 10}`,
  hundredth: `h${at % 100}`,
  size: (at * 7_919) % stored,
});

const matches = ({ kind, of }: Part, at: number, stored: number): boolean =>
  kind === 'tag' ? at % of === 3 : attributesOf(at, stored).size < stored / of;

const filterOf = ({ kind, of }: Part, stored: number): Filter => {
  if (kind === 'number') return { size: { lt: stored / of } };
  return of === 10 ? { tenth: 't3' } : { hundredth: 'h3' };
};

type Peer = (query: Float32Array, isWanted: (at: number) => boolean) => readonly number[];

interface Compared {
  readonly index: VectorIndex;
  readonly other: Peer | undefined;
  readonly base: readonly Float32Array[];
  readonly queries: readonly Float32Array[];
}

type Find = (query: Float32Array) => Promise<readonly number[]>;

class FiltersBenchmark implements Run {
  readonly #call: Call;
  readonly #results: Results = new Map();
  #nodes: LocalNodes | undefined;
  #index: VectorIndex | undefined;
  #hasPeer = false;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, progress, workloads } = this.#call;
    const environment = describeMachine();
    const stored = this.#call.size ?? (quick ? 2_000 : 50_000);
    const source = vectorSource(SEED, Math.max(20, Math.round(stored / 125)));
    progress(`makes ${stored} vectors of ${DIMENSIONS} dimensions, seed ${SEED}`);
    const base = source.next(stored);
    const queries = source.next(quick ? 20 : 200);
    this.#nodes = await startNodes(1);
    const index = await this.#filled(base);
    const peer = peerOf('hnswlib-node');
    this.#hasPeer = peer.isThere;
    const other = peer.isThere ? this.#peer(base) : undefined;
    for (const part of PARTS.filter(({ workload }) => workloads.has(workload))) {
      await this.#compare(part, { index, other, base, queries });
    }
    if (workloads.has('facets')) await this.#facets(queries, stored);
    const bytes = index.stats().attributeBytes;
    return {
      title: 'Searches with a filter',
      command: this.#call.command,
      environment: {
        ...{ ...environment, rounds: String(rounds), seed: String(SEED) },
        ...{ vectors: `${stored} of ${DIMENSIONS} dimensions`, queries: String(queries.length) },
      },
      targets: other ? this.#targets() : [],
      tables: [...workloads].map((workload) => this.#table(workload)),
      remarks: [
        peer.remark,
        `hnswlib-node looks at ${PEER_EFFORT} candidates, and calls a function of JavaScript for each vector. Without the words "changed before each" nothing changes between the searches of a round.`,
        `What filters look at takes ${(bytes / 2 ** 20).toFixed(1)} MiB: two tags, of 10 and of 100 values, and a number.`,
      ],
      data: this.#results,
    };
  }

  async stop(): Promise<void> {
    await this.#index?.close();
    await this.#nodes?.stop();
    [this.#index, this.#nodes] = [undefined, undefined];
  }

  async #filled(base: readonly Float32Array[]): Promise<VectorIndex> {
    this.#call.progress(`fills ${OWN}`);
    const index = createIndex({
      ...{ redis: this.#nodes?.urls[0] ?? '', name: 'filters', vectors: { dimensions: DIMENSIONS } },
      schema: { tenth: 'tag', hundredth: 'tag', size: 'number' },
    });
    this.#index = index;
    for (let from = 0; from < base.length; from += AT_ONCE) {
      const some = base.slice(from, from + AT_ONCE);
      await Promise.all(
        some.map((vector, at) =>
          index.put({ id: `${from + at}`, vector, attributes: attributesOf(from + at, base.length) }),
        ),
      );
    }
    await index.ready();
    // It trains itself beside all else.
    while (index.stats().vectors?.isTrainingDue !== false) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return index;
  }

  #peer(base: readonly Float32Array[]): Peer {
    this.#call.progress(`builds ${PEER}`);
    const index = hierarchicalIndex(base.length, SEED);
    for (const [at, vector] of base.entries()) index.addPoint(Array.from(vector), at);
    index.setEf(PEER_EFFORT);
    return (query, isWanted) => index.searchKnn(Array.from(query), NEAREST, isWanted).neighbors;
  }

  async #compare(part: Part, { index, other, base, queries }: Compared): Promise<void> {
    const { workload, isChanging } = part;
    const stored = base.length;
    const isWanted = (at: number): boolean => matches(part, at, stored);
    const answers = exactAnswers(queries, base, isWanted);
    const filter = filterOf(part, stored);
    const own: Find = async (vector) =>
      (await index.search({ vector, filter, limit: NEAREST })).hits.map(({ id }) => Number(id));
    const finders: [string, Find][] = [[OWN, own]];
    if (other) finders.push([PEER, async (query) => other(query, isWanted)]);
    for (let round = -1; round < this.#call.rounds; round += 1) {
      this.#call.progress(`${workload}, round ${round + 1}`);
      for (const [name, find] of turns(finders, Math.max(round, 0))) {
        const times: number[] = [];
        let found = 0;
        for (const [at, query] of queries.entries()) {
          if (isChanging) await this.#change(base, at);
          const began = performance.now();
          const hits = await find(query);
          times.push(performance.now() - began);
          found += hits.filter((hit) => answers[at]?.has(hit)).length;
        }
        if (round < 0) continue; // until the code is compiled
        note(
          this.#results,
          { workload, contestant: name },
          {
            [`p50, ms, ${workload}`]: quantile(times, 0.5),
            [`p99, ms, ${workload}`]: quantile(times, 0.99),
            [`recall, ${workload}`]: found / (NEAREST * queries.length),
          },
        );
      }
    }
  }

  /** Writes a document as it is, and waits until that is applied. */
  async #change(base: readonly Float32Array[], at: number): Promise<void> {
    const vector = base[at] as Float32Array;
    const attributes = attributesOf(at, base.length);
    const { place } = await (this.#index as VectorIndex).put({ id: `${at}`, vector, attributes });
    await this.#index?.count({ after: place });
  }

  /** Counted anew each time: the filter is another one. */
  async #facets(queries: readonly Float32Array[], stored: number): Promise<void> {
    for (let round = 0; round < this.#call.rounds; round += 1) {
      const times: number[] = [];
      for (const [at, vector] of queries.entries()) {
        const filter = { size: { gte: at + round * queries.length, lt: stored / 2 } };
        const began = performance.now();
        await this.#index?.search({ vector, filter, facets: ['tenth', 'hundredth'], limit: NEAREST });
        times.push(performance.now() - began);
      }
      note(
        this.#results,
        { workload: 'facets', contestant: OWN },
        { 'p50, ms, facets': quantile(times, 0.5), 'p99, ms, facets': quantile(times, 0.99) },
      );
    }
  }

  #targets(): Target[] {
    return PARTS.filter(({ workload, most }) => most < 1 && this.#call.workloads.has(workload)).map(
      ({ workload, most }) => {
        const times = (contestant: string) => valuesOf(this.#results, `p50, ms, ${workload}`, contestant);
        return atMost(`p50 of a ${workload}, to hnswlib-node`, pairedRatio(times(OWN), times(PEER)), most);
      },
    );
  }

  #table(workload: string) {
    const contestants = workload !== 'facets' && this.#hasPeer ? [OWN, PEER] : [OWN];
    const about =
      workload === 'facets'
        ? 'A search with a filter that half of all match, another one each time, and the counts of 110 values.'
        : `The ${NEAREST} nearest of those that match, one search after the other; median of the rounds (min–max).`;
    return tableOf(this.#results, { workload, about, contestants, isCompared: contestants.length > 1 });
  }
}
