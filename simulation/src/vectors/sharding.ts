/**
 * The indexes in which documents lie: one, or several shards that answer as one; and the processes that ask each other for the
 * shards that they do not hold.
 */

import { partitionOf } from '@holdfast/redis';
import type { ShardedIndex } from '@holdfast/vectors';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { IDS, INDEX, type Keys, keysOf } from './names.js';
import type { VectorsPlan } from './plan.js';

export const SHARDS = 2;

export interface Shard {
  readonly keys: Keys;
  readonly ids: readonly string[];
}

export function shardsOf({ vectors }: VectorsPlan): readonly Shard[] {
  if (!vectors.hasShards) return [{ keys: keysOf(INDEX), ids: IDS }];
  return Array.from({ length: SHARDS }, (_, shard) => ({
    keys: keysOf(`${INDEX}-${shard}-of-${SHARDS}`),
    ids: IDS.filter((id) => partitionOf(id, SHARDS) === shard),
  }));
}

/** Which shards the process of a place in the plan holds: the first two have one each. */
export const heldBy = (place: number): readonly number[] => [[0], [1], [0, 1]][place % 3] ?? [];

interface Peer {
  readonly machine: Machine;
  readonly index: Pick<ShardedIndex, 'answer'>;
  readonly held: readonly number[];
}

/** Calls between processes, which come late, or not at all where one has died. */
export class Exchange {
  readonly #world: World<VectorsPlan>;
  readonly #peers: Peer[] = [];

  constructor(world: World<VectorsPlan>) {
    this.#world = world;
  }

  join(peer: Peer): void {
    this.#peers.push(peer);
  }

  /** Asks whoever lives and holds the shard. Rejects when no answer has come in time. */
  ask(from: Machine, shard: number, call: string): Promise<string> {
    const { scheduler, plan } = this.#world;
    const way = 200 + ((call.length * 97) % 3_000);
    return new Promise((resolve, reject) => {
      from.clock.after(plan.vectors.timeout, () => reject(new Error('no answer has come')));
      const peer = this.#peers.findLast(({ machine, held }) => machine.alive && held.includes(shard));
      if (peer === undefined) return;
      scheduler.after(way, () =>
        peer.machine.input(() => {
          const answered = (text: string): void =>
            void scheduler.after(way, () => from.input(() => resolve(text)));
          peer.index.answer(call).then(answered, () => {});
        }),
      );
    });
  }
}
