/**
 * Rows as they lie in Redis: reads of one turn of the event loop travel together.
 *
 * Guarantees: what was acknowledged under a key before its read began is seen by it, because it goes to the master. Outside a Cluster the
 * keys of a read are in one MGET, with those of other reads of the turn; in a Cluster, in one for each partition.
 */
import { type CallCommand, type NodeSource, parseAddress } from '@holdfast/redis';
import type { Partition } from '../store/partition.js';

/** Reads that one MGET carries at most: the server answers one while this process is busy with the answer before it. */
const MOST = 8;

const NOTHING: Promise<readonly never[]> = Promise.resolve([]);

export class Fetcher {
  readonly #partitions: readonly Partition[];
  readonly #isCluster: boolean;
  readonly #commands: readonly CallCommand<readonly string[], readonly (Buffer | null)[]>[];

  constructor(redis: NodeSource, partitions: readonly Partition[]) {
    this.#partitions = partitions;
    this.#isCluster = typeof redis === 'string' && parseAddress(redis).via?.kind === 'cluster';
    const one = mget();
    this.#commands = partitions.map(() => (this.#isCluster ? mget() : one));
  }

  /** What lies under keys, each in its partition; null where there is nothing. Throws UnavailableError. */
  fetch(keys: readonly string[], partitions: readonly number[]): Promise<readonly (Buffer | null)[]> {
    if (keys.length === 0) return NOTHING;
    return this.#isCluster ? this.#fetchApart(keys, partitions) : this.#fetchFrom(0, keys);
  }

  async #fetchApart(keys: readonly string[], partitions: readonly number[]) {
    const rows: (Buffer | null)[] = new Array(keys.length).fill(null);
    const reads = [...placesOf(partitions)].map(async ([partition, of]) => {
      const found = await this.#fetchFrom(
        partition,
        of.map((place) => keys[place] ?? ''),
      );
      for (const [index, place] of of.entries()) rows[place] = found[index] ?? null;
    });
    await Promise.all(reads);
    return rows;
  }

  #fetchFrom(partition: number, keys: readonly string[]): Promise<readonly (Buffer | null)[]> {
    const [of, command] = [this.#partitions[partition], this.#commands[partition]];
    if (of === undefined || command === undefined) throw new Error(`there is no partition ${partition}`);
    return of.call(command, keys);
  }
}

/** Where each partition stands in a list of them. */
export function placesOf(partitions: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const places = new Map<number, number[]>();
  for (const [place, partition] of partitions.entries()) {
    const of = places.get(partition) ?? [];
    of.push(place);
    places.set(partition, of);
  }
  return places;
}

/** Any keys, in one command. */
export function mget(): CallCommand<readonly string[], readonly (Buffer | null)[]> {
  return {
    ...{ command: 'MGET', binary: true, keys: [], most: MOST },
    encode({ request }, keys) {
      for (const key of request) keys.push(key);
    },
    decode(reply, calls) {
      const rows = reply as readonly (Buffer | null)[];
      if (calls.length === 1) return [rows];
      let from = 0;
      return calls.map(({ request }) => {
        from += request.length;
        return rows.slice(from - request.length, from);
      });
    },
  };
}
