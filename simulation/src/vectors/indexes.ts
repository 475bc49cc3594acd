/**
 * The index of a process, as its plan has it: one, with texts, names or models, or several shards of which it holds some.
 */
import type { FindOptions, Results, VectorIndex, VectorIndexStats } from '@holdfast/vectors';
import type { Subject } from '../run/subject.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { modelOf } from './builds.js';
import { DIMENSIONS, INDEX, type ModelName } from './names.js';
import type { VectorsPlan } from './plan.js';
import { type Exchange, heldBy, SHARDS } from './sharding.js';
import type { Tasks } from './tasks.js';

export interface Found extends Pick<Results, 'hits' | 'facets' | 'place'> {
  /** Shards that are missing. */
  readonly partial?: readonly number[];
}

/** What a process does with it, whichever it is. */
export interface Index
  extends Pick<VectorIndex, 'put' | 'patch' | 'delete' | 'deleteAll' | 'get' | 'count' | 'scroll' | 'close'> {
  search(options: FindOptions & { readonly partialAfter?: number }): Promise<Found>;
}

export interface Opened {
  readonly index: Index;
  /** If there are no shards. */
  readonly single: VectorIndex | undefined;
  /** Of each shard that the process holds. */
  readonly stats: () => ReadonlyMap<number, VectorIndexStats>;
}

export interface OpeningParts {
  readonly world: World<VectorsPlan>;
  readonly subject: Subject;
  readonly machine: Machine;
  readonly place: number;
  readonly tasks: Tasks;
  readonly exchange: Exchange;
}

/** Bytes of vectors in a process. */
const MEMORY = 2 ** 23;
const SHAPE = { dimensions: DIMENSIONS, memory: MEMORY };
const ON_SERVER = { dimensions: DIMENSIONS, engine: 'server' } as const;

export function openIndex({ world, subject, machine, place, tasks, exchange }: OpeningParts): Opened {
  const { timeout, tombstones, hasTexts, hasNames, hasModels, hasShards, onServer } = world.plan.vectors;
  const { clock, random } = machine;
  const common = {
    ...{ redis: world.connect(place, world.store), name: INDEX, callTimeout: timeout, tombstones },
    ...{ schema: { kind: 'tag', price: 'number' } as const, clock, random },
  };
  const words = hasTexts ? { keywords: {}, terms: {} } : {};
  if (hasShards) {
    const held = heldBy(place);
    const index = subject.vectors.createShardedIndex({
      ...common,
      ...words,
      ...{ vectors: hasNames ? { title: SHAPE, body: SHAPE } : SHAPE, shards: SHARDS, hold: held },
      peers: (shard, call) => exchange.ask(machine, shard, call),
    });
    exchange.join({ machine, index, held });
    return { index, single: undefined, stats: () => index.stats() };
  }
  const model = (name: ModelName) => modelFor(machine, name, onServer);
  const shape = onServer ? ON_SERVER : SHAPE;
  const single = subject.vectors.createIndex({
    ...common,
    vectors: hasNames ? { title: shape, body: shape } : shape,
    ...(hasModels && { vectors: model('m0'), next: model('m1'), tasks }),
    ...words,
  });
  return { index: single, single, stats: () => new Map([[0, single.stats()]]) };
}

/** Where the server searches, it does so for the second model: so an index goes from one engine to the other and back. */
export const modelFor = (
  { clock }: Machine,
  name: ModelName,
  onServer: boolean,
): ReturnType<typeof modelOf> =>
  modelOf(
    name,
    name === 'm1' && onServer ? ON_SERVER : SHAPE,
    (duration) => new Promise((resolve) => clock.after(duration, resolve)),
  );
