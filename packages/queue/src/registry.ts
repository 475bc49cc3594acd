/**
 * The registry of all queues: a hash beside them, which in a Cluster may be on another shard.
 *
 * Guarantees: a queue is registered before anything is put into it, so that every existing queue is listed; one that
 * was obliterated is not, unless somebody adds to it again.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  duration,
  having,
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
import {
  type BinaryReply,
  MissingRightsError,
  type NodeSource,
  reasonOf,
  sendOver,
  useNode,
} from '@holdfast/redis';
import { registryKey } from './keys.js';

export interface ListQueuesOptions {
  readonly redis: NodeSource;
  /** The `prefix` of the queues. Default: none. */
  readonly prefix?: string;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  readonly tls?: ConnectionOptions;
}

/** The place of queues, and how long Redis may take. */
export const PLACE = {
  redis: passedOn<NodeSource>(),
  prefix: withDefault(requirePrefix, ''),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  tls: optional(having<ConnectionOptions>()),
} satisfies Readers<ListQueuesOptions>;

/** The place of a registry, and how to ask it. */
export interface RegistryPlace {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly prefix: string;
  readonly callTimeout: number;
  readonly clock: Clock;
}

/** The names of all queues, in order; those of groups are "<queue>@<group>". Throws UnavailableError, MisuseError. */
export async function listQueues(options: ListQueuesOptions): Promise<string[]> {
  const place = { ...readOptions('listQueues', options, PLACE), clock: systemClock };
  const names = (await ask(place, 'HKEYS', [], 'could not be listed')) as readonly Buffer[];
  return names.map(String).sort();
}

/** Throws UnavailableError; MisuseError for a user without the rights. */
export async function register(place: RegistryPlace, names: readonly string[]): Promise<void> {
  const fields = names.flatMap((name) => [name, '1']);
  await ask(place, 'HSET', fields, 'could not be registered; nothing was done. Retry later');
}

export async function unregister(place: RegistryPlace, name: string): Promise<void> {
  await ask(place, 'HDEL', [name], 'could not be taken out of the registry. Retry later');
}

async function ask(
  { redis, tls, prefix, callTimeout, clock }: RegistryPlace,
  command: string,
  args: readonly string[],
  outcome: string,
): Promise<BinaryReply> {
  const key = registryKey(prefix);
  const { node, release } = useNode(redis, { tls, key, clock });
  try {
    const reply = sendOver(node, command, [key, ...args]);
    return await within(clock, callTimeout, reply, `did not answer within ${callTimeout} ms`);
  } catch (cause) {
    const reason = node.unavailable ?? reasonOf(cause);
    if (/NOPERM/.test(reason)) {
      throw new MissingRightsError(
        `${node.address} does not let this user do that: ${reason} The package's README lists the rights.`,
      );
    }
    const nodes = [{ node: node.address, reason }];
    throw new UnavailableError(`The queues ${outcome}.`, nodes, { cause });
  } finally {
    release();
  }
}
