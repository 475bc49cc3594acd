/**
 * The servers that have the store, as who watches sees them: one, or several with the catalog and the partitions spread over them.
 */

import type { RunPlan } from '../plan/plan.js';
import type { ModelServer } from '../redis/index.js';
import type { World } from '../world/world.js';
import { partitionKey } from './names.js';

/** What a key has, and all that there is, on whichever server. */
export type Server = Pick<ModelServer, 'look' | 'dump'>;

/** On which server of so many the keys of the catalog are, or those of a partition. */
function placeOf(key: string, servers: number): number {
  if (servers === 1) return 0;
  const [, partition] = /^\{feat:\w+\.(\d+)\}/.exec(key) ?? [];
  return partition === undefined ? 0 : (Number(partition) + 1) % servers;
}

export class Servers implements Server {
  readonly #world: World<RunPlan<never>>;
  /** Besides replicas. */
  readonly #count = 1;

  constructor(world: World<never>) {
    this.#world = world as unknown as World<RunPlan<never>>;
  }

  look(key: string): ReturnType<ModelServer['look']> {
    return this.#nodeOf(key).server.look(key);
  }

  dump(): ReturnType<ModelServer['dump']> {
    return Object.assign({}, ...this.#world.nodes.slice(0, this.#count).map(({ server }) => server.dump()));
  }

  /** What the clock of the server shows that has the key, in microseconds. */
  timeOf(key: string): number {
    return this.#nodeOf(key).time();
  }

  #nodeOf(key: string) {
    const { nodes } = this.#world;
    return nodes[placeOf(key, this.#count)] ?? this.#world.store;
  }
}

/** What a log has, by id. */
export interface StreamValue {
  readonly entries: ReadonlyMap<string, readonly string[]>;
}

export const recordOf = (server: Server, partition: number): ReadonlyMap<string, string> =>
  new Map((server.look(partitionKey(partition, 'record')) as ReadonlyMap<string, string> | undefined) ?? []);
