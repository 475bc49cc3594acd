/**
 * K-means over a sample of turned vectors: the centroids of the lists. The sample lies in a memory of its own, which is
 * gone afterwards.
 *
 * Guarantees: gives way to the event loop every few milliseconds, and ends with an `AbortedError` when the signal aborts.
 */
import { type Clock, type Random, throwIfAborted } from '@holdfast/kernel';
import { listsFor } from './balance.js';
import { IndexMemory, type MemoryOptions } from './memory.js';
import { Slices } from './slices.js';

/**
 * Vectors of the sample for each list, by round. The first rounds only have to bring centroids to where vectors are, for which
 * few are enough.
 */
const ROUNDS = [8, 16, 32, 64, 64];
const SAMPLE = Math.max(...ROUNDS);
/** Points that one call of a kernel takes. */
const CHUNK = 16;

/** From how many vectors on there is more than one list. */
export const LEAST = 4_096;

export interface Training {
  /** How many vectors there are, and one of them, in turned space. */
  readonly vectors: number;
  readonly read: (index: number, out: Float32Array) => void;
  readonly random: Random;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly memory: Omit<MemoryOptions, 'centroids'>;
}

/** The centroids of so many lists as there are to be for the vectors. */
export async function train(training: Training): Promise<Float32Array> {
  const { vectors, read, random, clock, signal, memory: options } = training;
  const { dimensions } = options;
  const lists = vectors < LEAST ? 1 : listsFor(vectors);
  const count = Math.min(vectors, lists * SAMPLE);
  const chosen = sample(vectors, count, random);
  const slices = new Slices(clock);
  const vector = new Float32Array(dimensions);
  const centroids = new Float32Array(lists * dimensions);
  for (let list = 0; list < lists; list++) {
    read(chosen[list % count]!, vector);
    centroids.set(vector, list * dimensions);
  }
  for (const each of ROUNDS) {
    const some = Math.min(count, lists * each);
    const memory = new IndexMemory({ ...options, centroids, limit: 4 * 2 ** 30 });
    const points = memory.take(2 * CHUNK * dimensions);
    const scales = memory.take(4 * CHUNK);
    const sums = memory.take(4 * lists * (dimensions + 1));
    const counts = sums + 4 * lists * dimensions;
    for (let from = 0; from < some; from += CHUNK) {
      const n = Math.min(CHUNK, some - from);
      for (let i = 0; i < n; i++) {
        read(chosen[from + i]!, vector);
        memory.write(memory.scratch, vector);
        const scale = memory.kernel.scaleOf(memory.scratch);
        memory.kernel.toInt16(memory.scratch, points + 2 * i * dimensions, scale);
        memory.floats[scales / 4 + i] = scale;
      }
      memory.kernel.accumulate(points, scales, n, sums);
      throwIfAborted(signal, 'The training');
      await slices.next();
    }
    for (let list = 0; list < lists; list++) {
      const n = memory.words[counts / 4 + list]!;
      if (n === 0) {
        read(chosen[Math.floor(random.unit() * some)]!, vector);
        centroids.set(vector, list * dimensions);
      } else {
        for (let j = 0; j < dimensions; j++) {
          centroids[list * dimensions + j] = memory.floats[sums / 4 + list * dimensions + j]! / n;
        }
      }
    }
  }
  return centroids;
}

/** So many of the numbers below `of`, each once, in random order. */
function sample(of: number, count: number, random: Random): Uint32Array {
  const all = Uint32Array.from({ length: of }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random.unit() * (of - i));
    const value = all[i]!;
    all[i] = all[j]!;
    all[j] = value;
  }
  return all.subarray(0, count);
}
