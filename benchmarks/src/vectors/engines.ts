/**
 * The contestants: Holdfast's index, usearch, and hnswlib-node, each in this process.
 *
 * Guarantees: a peer that cannot be had is left out with the reason; it is not replaced by anything.
 */
import { rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@holdfast/kernel';
import { createLocalIndex } from '@holdfast/vectors';
import { DIMENSIONS, NEAREST } from './data.js';
import { peerOf, require } from './peers.js';

export interface Engine {
  readonly name: string;
  /** From little work a search, and little recall, to much. */
  readonly efforts: readonly number[];
  add(at: number, vector: Float32Array): void;
  /** After the first vectors. */
  train(): Promise<void>;
  /** Says how much work a search is. */
  use(effort: number): void;
  search(query: Float32Array): readonly number[];
  /** Bytes by its own count, by part, without its ids if those lie in the heap of JavaScript. */
  bytes(): Readonly<Record<string, number>>;
  /** Many at once, on `THREADS` threads, if it can; only how many were found is told. */
  searchMany?(queries: readonly Float32Array[]): Promise<number>;
  close(): Promise<void>;
}

type Maker = (room: number, seed: number) => Engine;

export const THREADS = availableParallelism();

/** The peers' links of a vector to others, and how many candidates an insert looks at: the values that their READMEs recommend for recall. */
const LINKS = 16;
const INSERT_EFFORT = 200;
const PEER_EFFORTS = ladder(10, 1_000, 1.15);

function ladder(from: number, to: number, by: number): number[] {
  const steps: number[] = [];
  for (let step = from; step <= to; step = Math.max(step + 1, Math.round(step * by))) steps.push(step);
  return steps;
}

const holdfast: Maker = (_, seed) => {
  const index = createLocalIndex({ dimensions: DIMENSIONS, threads: THREADS, random: seededRandom(seed) });
  let lists = 1;
  return {
    name: 'holdfast',
    efforts: ladder(2, 4_096, 1.15),
    add: (at, vector) => index.put(String(at), vector),
    train: () => index.train(),
    use: (effort) => {
      lists = effort;
    },
    search: (query) => index.search(query, { limit: NEAREST, lists }).map(({ id }) => Number(id)),
    searchMany: async (queries) => (await index.searchMany(queries, { limit: NEAREST, lists })).flat().length,
    bytes: () => {
      const { untouched: _, ...parts } = index.stats().parts;
      return parts;
    },
    close: () => index.close(),
  };
};

interface UsearchMatches {
  readonly keys: BigUint64Array;
}

/** What is used of it. */
interface UsearchIndex {
  add(key: bigint, vector: Float32Array): void;
  search(vectors: Float32Array, count: number, threads: number): UsearchMatches | UsearchMatches[];
  save(file: string): void;
  load(file: string): void;
}

const usearch: Maker = () => {
  const { Index } = require('usearch') as { Index: new (options: object) => UsearchIndex };
  const open = (effort: number): UsearchIndex =>
    new Index({
      ...{ dimensions: DIMENSIONS, metric: 'cos', quantization: 'f16', multi: false },
      ...{ connectivity: LINKS, expansion_add: INSERT_EFFORT, expansion_search: effort },
    });
  const file = join(tmpdir(), `holdfast-bench-${process.pid}.usearch`);
  let index = open(64);
  let present = 64;
  return {
    name: 'usearch f16',
    efforts: PEER_EFFORTS,
    add: (at, vector) => index.add(BigInt(at), vector),
    train: async () => undefined,
    // It is told only when an index is opened.
    use: (effort) => {
      if (effort === present) return;
      index.save(file);
      index = open(effort);
      index.load(file);
      present = effort;
    },
    search: (query) => Array.from((index.search(query, NEAREST, 1) as UsearchMatches).keys, Number),
    searchMany: async (queries) => {
      const all = new Float32Array(queries.length * DIMENSIONS);
      for (const [i, query] of queries.entries()) all.set(query, i * DIMENSIONS);
      const results = index.search(all, NEAREST, THREADS);
      return (Array.isArray(results) ? results : [results]).reduce((sum, { keys }) => sum + keys.length, 0);
    },
    bytes: () => {
      index.save(file);
      return { 'its file': statSync(file).size };
    },
    close: async () => rmSync(file, { force: true }),
  };
};

/** What is used of it. */
export interface HierarchicalIndex {
  initIndex(room: number, links: number, effort: number, seed: number): void;
  addPoint(vector: number[], label: number): void;
  setEf(effort: number): void;
  writeIndexSync(file: string): void;
  searchKnn(
    vector: number[],
    count: number,
    filter?: (label: number) => boolean,
  ): { readonly neighbors: number[] };
}

/** An empty index of hnswlib-node. */
export function hierarchicalIndex(room: number, seed: number): HierarchicalIndex {
  const { HierarchicalNSW } = require('hnswlib-node') as {
    HierarchicalNSW: new (space: 'ip', dimensions: number) => HierarchicalIndex;
  };
  const index = new HierarchicalNSW('ip', DIMENSIONS); // the vectors have length 1
  index.initIndex(room, LINKS, INSERT_EFFORT, seed);
  return index;
}

const hnswlib: Maker = (room, seed) => {
  const index = hierarchicalIndex(room, seed);
  const file = join(tmpdir(), `holdfast-bench-${process.pid}.hnsw`);
  return {
    name: 'hnswlib-node f32',
    efforts: PEER_EFFORTS,
    add: (at, vector) => index.addPoint(Array.from(vector), at),
    train: async () => undefined,
    use: (effort) => index.setEf(effort),
    search: (query) => index.searchKnn(Array.from(query), NEAREST).neighbors,
    bytes: () => {
      index.writeIndexSync(file);
      const { size } = statSync(file);
      rmSync(file);
      return { 'its file': size };
    },
    close: async () => undefined,
  };
};

/** The contestants that can be had, and why others cannot. */
export function contestants(): { makers: readonly Maker[]; remarks: readonly string[] } {
  const makers = [holdfast];
  const remarks: string[] = [];
  for (const [name, maker] of Object.entries({ usearch, 'hnswlib-node': hnswlib })) {
    const { isThere, remark } = peerOf(name);
    if (isThere) makers.push(maker);
    remarks.push(remark);
  }
  return { makers, remarks };
}
