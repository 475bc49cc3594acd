/**
 * The vectors of a store as parts of a snapshot, and a store of such parts.
 *
 * Guarantees: the restored store finds what the other one found, with the same scores. Parts that contradict each other are
 * refused with a SnapshotError.
 */
import { SnapshotError } from '../errors.js';
import { LANES, NONE } from '../kernel/layout.js';
import type { MemoryOptions } from './memory.js';
import { copied, type Sections, type Source } from './sections.js';
import { type Reader, VectorStore } from './store.js';

/** The parts of a store, and what its header says. */
export function imageOf(store: VectorStore): { header: object; sources: Source[] } {
  const { memory, mean } = store;
  const { lists, shape } = memory;
  const blocks: number[] = [];
  for (let list = 0; list < lists.count; list++) {
    const chain: number[] = [];
    const first = store.slots.sizeOf(list) > 0 ? memory.headOf(list) : NONE;
    for (let block = first; block !== NONE; block = memory.nextOf(block)) chain.push(block);
    // A block is added at the head of its list.
    blocks.push(...chain.reverse());
  }
  const rowBytes = LANES * shape.dimensions;
  const listOf = Uint32Array.from(blocks, (block) => memory.listOf(block * LANES));
  const each = (bytes: number, at: (block: number) => Uint8Array) => ({
    bytes: bytes * blocks.length,
    write: (out: Uint8Array) => {
      blocks.forEach((block, i) => {
        out.set(at(block), i * bytes);
      });
    },
  });
  return {
    header: {
      lists: lists.count,
      blocks: blocks.length,
      firstLists: store.firstLists,
      isBalanced: store.isBalanced,
      centroidScale: lists.centroidScale,
    },
    sources: [
      copied('mean', mean),
      copied('centroids', lists.allCentroids),
      copied('freeLists', Uint32Array.from(lists.free)),
      copied('listOf', listOf),
      { name: 'codes', ...each(shape.blockBytes, (block) => memory.codesOf(block)) },
      { name: 'rows', ...each(rowBytes, (block) => memory.rowsOf(block)) },
    ],
  };
}

/** Undefined if the snapshot is of an index without vectors. */
export function storeOf(
  sections: Sections,
  options: Omit<MemoryOptions, 'centroids'>,
  { read, isEntry }: { read: Reader; isEntry: (entry: number) => boolean },
): VectorStore | undefined {
  const count = sections.whole('lists');
  if (count === 0) return undefined;
  const { dimensions } = options;
  const blocks = sections.whole('blocks');
  const centroids = new Float32Array(sections.copy('centroids', 4 * count * dimensions));
  const mean = new Float32Array(sections.copy('mean', 4 * dimensions));
  const centroidScale = Number(sections.header['centroidScale']);
  const store = new VectorStore({ ...options, centroids, centroidScale }, mean, read);
  const { memory } = store;
  const free = new Uint32Array(sections.copy('freeLists', sections.sizeOf('freeLists')));
  const listOf = new Uint32Array(sections.copy('listOf', 4 * blocks));
  const isFree = new Set(free);
  if ([...free, ...listOf].some((list) => list >= count) || listOf.some((list) => isFree.has(list))) {
    throw contradiction('a vector in a list that there is not');
  }
  const rowBytes = LANES * dimensions;
  const { blockBytes } = memory.shape;
  const codes = sections.view('codes', blocks * blockBytes);
  const rows = sections.view('rows', blocks * rowBytes);
  for (let i = 0; i < blocks; i++) {
    const block = memory.addBlock(listOf[i]!);
    memory.codesOf(block).set(codes.subarray(i * blockBytes, (i + 1) * blockBytes));
    memory.rowsOf(block).set(rows.subarray(i * rowBytes, (i + 1) * rowBytes));
    for (const entry of store.adopt(block)) {
      if (!isEntry(entry)) throw contradiction('a vector that has no id, or two');
    }
  }
  for (const list of free) memory.lists.remove(list);
  store.firstLists = sections.whole('firstLists');
  if (sections.header['isBalanced'] === true) store.balance();
  return store;
}

export function contradiction(what: string): SnapshotError {
  return new SnapshotError('corrupt', `its parts contradict each other: there is ${what}`);
}
