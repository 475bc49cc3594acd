/**
 * What a thread runs that searches in the memory of an index. As text, because a file of its own is lost where a program is
 * bundled, and cannot be run where it is not compiled.
 *
 * It is told a slice of queries, answers them with kernels of its own over the same memory, writes what it found where it was told,
 * and then says so in its state, for which the owner may wait, and by a message.
 */

/** The states of a thread. */
export const STATES = { idle: 0, running: 1, done: 2, failed: 3 } as const;

/** Addresses in the memory, and numbers, for each slice. */
export interface SliceMessage {
  readonly header: number;
  /** Up to where the memory has to reach. */
  readonly end: number;
  readonly dimensions: number;
  readonly scratch: number;
  /** So many queries, in turned space without the mean, and what each one's scores have to be above. */
  readonly count: number;
  readonly queries: number;
  readonly bounds: number;
  readonly k: number;
  readonly lists: number;
  readonly masks: number;
  /** If so many slots are to be scored instead. */
  readonly slots: number;
  readonly among: number;
  /** For each query: how many were found, and pairs of a score and a slot, room for k. */
  readonly results: number;
}

export const THREAD_CODE = `
const { parentPort, workerData } = require('node:worker_threads');
const { module, memory, state: shared } = workerData;
const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports;
const state = new Int32Array(shared);

function answer(slice) {
  const { dimensions, scratch, k, results } = slice;
  if (memory.buffer.byteLength < slice.end) throw new Error('the memory has grown unseen');
  const words = new Uint32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  kernel.attach(slice.header);
  for (let i = 0; i < slice.count; i++) {
    const query = slice.queries / 4 + i * dimensions;
    floats.copyWithin(scratch / 4, query, query + dimensions);
    kernel.bound(floats[slice.bounds / 4 + i]);
    const found = slice.among > 0
      ? kernel.exact(scratch, k, slice.slots, slice.among)
      : kernel.search(scratch, k, slice.lists, slice.masks);
    const heap = (scratch + 10 * dimensions) / 4;
    const out = results / 4 + i * (1 + 2 * k);
    words[out] = found;
    words.copyWithin(out + 1, heap, heap + 2 * found);
  }
}

parentPort.on('message', (slice) => {
  let end = ${STATES.done};
  try {
    answer(slice);
  } catch {
    end = ${STATES.failed};
  }
  Atomics.store(state, 0, end);
  Atomics.notify(state, 0);
  parentPort.postMessage('over');
});
parentPort.postMessage('ready');
`;
