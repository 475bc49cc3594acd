/**
 * Indexes by what Redis says of them: which there are, and one by its name alone, as the command line opens it.
 *
 * Guarantees: nothing is written, and no index is made that does not exist.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  display,
  duration,
  having,
  MisuseError,
  optional,
  passedOn,
  type Readers,
  readOptions,
  requirePrefix,
  systemClock,
  UnavailableError,
  withDefault,
  within,
} from '@holdfast/kernel';
import { connect, MissingRightsError, type NodeSource, reasonOf } from '@holdfast/redis';
import { type Shape, shapesOf } from '../aspect.js';
import { vectorsOf } from '../generations/definition.js';
import { keysOf } from '../keys.js';
import { createIndex, type VectorIndex } from '../vector-index.js';
import type { VectorIndexOptions, VectorsOptions } from '../vector-index-options.js';

export interface ListIndexesOptions {
  readonly redis: NodeSource;
  /** The `prefix` of the indexes. Default: none. */
  readonly prefix?: string;
  /** How long Redis may take to answer each command, in ms. Default 5000. */
  readonly callTimeout?: number;
  readonly tls?: ConnectionOptions;
}

export interface IndexInfo {
  readonly name: string;
  /** Documents that stand in its log, with the deletions that are remembered. */
  readonly entries: number;
  /** The generation that is searched. */
  readonly live: string;
  readonly generations: number;
  /** Of the live generation. */
  readonly model: string;
  /** The vectors of the live generation, by name; the name is empty if they have none. */
  readonly vectors: Readonly<Record<string, Shape>>;
  /** The span of its server's memory: another one begins where that may have forgotten writes. */
  readonly epoch: string;
  /** When something was written last, by the server's clock. */
  readonly written: Date;
}

export interface OpenIndexOptions
  extends Omit<VectorIndexOptions, 'vectors'>,
    Pick<VectorsOptions, 'recall' | 'memory'> {}

const PLACE = {
  redis: passedOn<NodeSource>(),
  prefix: withDefault(requirePrefix, ''),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  tls: optional(having<ConnectionOptions>()),
} satisfies Readers<ListIndexesOptions>;

/**
 * The indexes of a Redis, by name; of a Cluster, those of the server that the address leads to. It looks through all keys, in steps.
 * Throws UnavailableError; MisuseError for a user without the rights.
 */
export async function listIndexes(options: ListIndexesOptions): Promise<readonly IndexInfo[]> {
  const place = readOptions('listIndexes', options, PLACE);
  return asked(place, async (send) => {
    const names: string[] = [];
    let cursor = '0';
    do {
      const match = `${place.prefix}{vectors:*}:meta`;
      const [next, keys] = (await send('SCAN', [cursor, 'MATCH', match, 'COUNT', '1000'])) as [
        string,
        string[],
      ];
      cursor = String(next);
      for (const key of keys)
        names.push(String(key).slice(`${place.prefix}{vectors:`.length, -'}:meta'.length));
    } while (cursor !== '0');
    const found: IndexInfo[] = [];
    for (const name of [...new Set(names)].sort()) {
      const info = await infoOf(send, { name, prefix: place.prefix });
      if (info) found.push(info);
    }
    return found;
  });
}

/** One of them; undefined if there is none. Throws as `listIndexes`. */
export async function findIndex(
  options: ListIndexesOptions & { readonly name: string },
): Promise<IndexInfo | undefined> {
  const { name, ...others } = options;
  const place = readOptions('findIndex', others, PLACE);
  return asked(place, (send) => infoOf(send, { name, prefix: place.prefix }));
}

/**
 * An index as it is defined in Redis. Without `schema` it has no filters, and without `keywords` no words. Throws MisuseError if there
 * is no such index, and UnavailableError.
 */
export async function openIndex(options: OpenIndexOptions): Promise<VectorIndex> {
  const { recall, memory, ...others } = options;
  const { redis, prefix, callTimeout, tls } = others;
  const given = Object.entries({ redis, prefix, callTimeout, tls }).filter(
    ([, value]) => value !== undefined,
  );
  const place = Object.fromEntries(given) as unknown as ListIndexesOptions;
  const info = await findIndex({ ...place, name: options.name });
  if (info === undefined) {
    throw new MisuseError(
      `There is no index ${display(options.name)} at this Redis. listIndexes() says which there are; createIndex() makes one with its first call.`,
    );
  }
  const wishes = { ...(recall !== undefined && { recall }), ...(memory !== undefined && { memory }) };
  return createIndex({ ...others, vectors: vectorsOf(info.model, info.vectors, wishes) });
}

type Send = (command: string, args: readonly string[]) => Promise<unknown>;

async function infoOf(
  send: Send,
  place: { readonly name: string; readonly prefix: string },
): Promise<IndexInfo | undefined> {
  const keys = keysOf(place);
  const fields = pairsOf(await send('HGETALL', [keys.of('meta')]));
  const live = fields.get('live');
  const [model = ''] = (fields.get(`model:${live}`) ?? '').split(' ', 1);
  const definition = fields.get(`model:${live}`)?.slice(model.length + 1);
  if (live === undefined || definition === undefined) return undefined;
  return {
    name: place.name,
    entries: Number(await send('ZCARD', [keys.of('log')])),
    live,
    generations: [...fields.keys()].filter((field) => field.startsWith('model:')).length,
    model,
    vectors: Object.fromEntries(shapesOf({ name: model, definition })),
    epoch: fields.get('epoch') ?? '',
    written: new Date(Number(fields.get('seq')) / 1_000),
  };
}

/** A reply of HGETALL: a list of fields and values in turn, or a map, depending on client and protocol version. */
function pairsOf(reply: unknown): ReadonlyMap<string, string> {
  if (!Array.isArray(reply)) return new Map(reply instanceof Map ? reply : Object.entries(Object(reply)));
  return new Map(
    Array.from({ length: reply.length / 2 }, (_, at) => [String(reply[2 * at]), String(reply[2 * at + 1])]),
  );
}

interface Place {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly prefix: string;
  readonly callTimeout: number;
}

/** Asks over a connection of its own. */
async function asked<T>({ redis, tls, callTimeout }: Place, work: (send: Send) => Promise<T>): Promise<T> {
  const connection = connect(redis, { tls });
  const timely = <R>(answer: Promise<R>): Promise<R> =>
    within(systemClock, callTimeout, answer, `did not answer within ${callTimeout} ms`);
  try {
    await timely(connection.open());
    return await work((command, args) => timely(connection.send(command, args)));
  } catch (cause) {
    if (cause instanceof MisuseError) throw cause;
    const reason = connection.unready ?? reasonOf(cause);
    if (/NOPERM/.test(reason)) {
      throw new MissingRightsError(
        `${connection.address} does not let this user do that: ${reason} The README of @holdfast/vectors lists the rights.`,
      );
    }
    throw new UnavailableError(
      'The indexes of vectors could not be read.',
      [{ node: connection.address, reason }],
      {
        cause,
      },
    );
  } finally {
    connection.close();
  }
}
