/**
 * Finding the stores that a Redis has.
 *
 * Guarantees: changes nothing. It looks through the keys in steps, so that the server answers others in between; of a Cluster,
 * those of the server that the address leads to.
 */
import {
  duration,
  passedOn,
  type Readers,
  readOptions,
  requirePrefix,
  systemClock,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import {
  FORBIDDEN_ADVICE,
  isForbidden,
  MissingRightsError,
  type NodeSource,
  reasonOf,
  useNode,
} from '@holdfast/redis';

export interface ListStoresOptions {
  /** A URL, or your own ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** Begins every key, so that environments can share a Redis. Default none. */
  readonly prefix?: string;
  /** How long each step may take, in ms. Default 5000. */
  readonly callTimeout?: number;
}

const OPTIONS = {
  redis: passedOn<NodeSource>(),
  prefix: withDefault(requirePrefix, ''),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
} satisfies Readers<ListStoresOptions>;

const COUNT = 1_000;

/** The names of the stores, in order. Throws UnavailableError; MisuseError for a user without the right `+scan`. */
export async function listStores(options: ListStoresOptions): Promise<readonly string[]> {
  const { redis, prefix, callTimeout: timeout } = readOptions('listStores', options, OPTIONS);
  const [begin, end] = [`${prefix}{feat:`, '}:catalog'];
  const { node, release } = useNode(redis, { key: `${begin}${end}`, clock: systemClock });
  const names = new Set<string>();
  try {
    await node.open();
    let cursor = '0';
    do {
      const some = await node.scan(cursor, `${begin}*${end}`, { count: COUNT, timeout });
      for (const key of some.keys) names.add(key.slice(begin.length, -end.length));
      ({ cursor } = some);
    } while (cursor !== '0');
    return [...names].sort();
  } catch (error) {
    const reason = reasonOf(error);
    if (isForbidden(reason)) {
      throw new MissingRightsError(`The stores cannot be listed: ${reason}. ${FORBIDDEN_ADVICE}`);
    }
    throw new UnavailableError('The stores could not be listed. Retry later.', [
      { node: node.address, reason },
    ]);
  } finally {
    release();
  }
}
