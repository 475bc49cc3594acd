/**
 * Flags as they lie in Redis: bits of chunks, of which each holds one flag of 32768 ids.
 *
 * Guarantees: what was acknowledged before a read began is seen by it. Flags of one chunk that are read together are of one
 * instant, others need not be. A chunk that is not there has no flag set.
 */
import type { BinaryReply, CallCommand } from '@holdfast/redis';
import { bitOf, chunkName, type FlagsView } from '../definition/flags.js';
import type { Partition } from '../store/partition.js';

/** An id whose flags are wanted. */
export interface WantedFlags {
  readonly view: FlagsView;
  readonly id: string;
  /** Of the view: the one that is read. */
  readonly generation: string;
}

/** Bits that one command reads at most. */
const MOST = 256;

interface Bits {
  readonly key: string;
  readonly bits: readonly number[];
}

/** For each id a byte for each flag, in the order of the fields of the view: 1 if it is set. Throws UnavailableError. */
export async function fetchFlags(
  partitions: readonly Partition[],
  wanted: readonly WantedFlags[],
): Promise<readonly Buffer[]> {
  const found = wanted.map(({ view }) => Buffer.alloc(Object.keys(view.fields).length));
  const chunks = new Map<
    string,
    { partition: Partition; key: string; of: [index: number, place: number, bit: number][] }
  >();
  for (const [index, { view, id, generation }] of wanted.entries()) {
    const { chunk, bit } = bitOf(view, { [view.entity.parts[0] ?? '']: id });
    const partition = partitions[chunk % partitions.length] as Partition;
    for (const [place, flag] of Object.keys(view.fields).entries()) {
      const key = partition.keys.row(`${view.name}.${generation}`, chunkName(flag, chunk));
      const known = chunks.get(key) ?? { partition, key, of: [] };
      chunks.set(key, known);
      known.of.push([index, place, bit]);
    }
  }
  const reads = [...chunks.values()].flatMap(({ partition, key, of }) =>
    parted(of).map(async (part) => {
      const bits = await partition.call(BITS, { key, bits: part.map(([, , bit]) => bit) });
      for (const [n, [index, place]] of part.entries()) (found[index] as Buffer)[place] = bits[n] ?? 0;
    }),
  );
  await Promise.all(reads);
  return found;
}

function parted<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / MOST) }, (_, n) => all.slice(n * MOST, (n + 1) * MOST));
}

const BITS: CallCommand<Bits, readonly number[]> = {
  ...{ command: 'BITFIELD_RO', binary: true, keys: [], most: 1 },
  encode({ request: { key, bits } }, keys, args) {
    keys.push(key);
    for (const bit of bits) args.push('GET', 'u1', String(bit));
  },
  decode: (reply) => [(reply as unknown as readonly BinaryReply[]).map(Number)],
};
