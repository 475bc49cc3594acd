/**
 * One node for all calls of one program to one server: several queues, guards and others on the same client or address
 * share its connection and its group commit.
 *
 * Guarantees: the users of a node are counted, and it is closed when the last one has given it back. Another clock or
 * other TLS settings mean another node, and in a Cluster each key has a node of its own, because it may be on another
 * server.
 */
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '@holdfast/kernel';
import { parseAddress } from './address.js';
import { connect, type NodeSource } from './connect.js';
import { RedisNode } from './node.js';

export interface SharedNodeOptions {
  readonly tls?: ConnectionOptions | undefined;
  /** One of the keys, which determines the server in a Cluster. */
  readonly key: string;
  readonly clock: Clock;
}

interface Shared {
  readonly node: RedisNode;
  users: number;
}

/** One use of a node. */
export interface NodeUse {
  readonly node: RedisNode;
  /** Gives the node back, once. */
  release(): void;
}

const known = new WeakMap<Clock, Map<unknown, Map<ConnectionOptions | undefined, Shared>>>();

/** Takes a node in use, without connecting yet. Throws MisuseError for an invalid source. */
export function useNode(source: NodeSource, { tls, key, clock }: SharedNodeOptions): NodeUse {
  const ofClock = known.get(clock) ?? new Map();
  known.set(clock, ofClock);
  const name = nameOf(source, key);
  const ofSource = ofClock.get(name) ?? new Map<ConnectionOptions | undefined, Shared>();
  const shared: Shared = ofSource.get(tls) ?? {
    node: new RedisNode(connect(source, { tls, key, once: true }), { clock }),
    users: 0,
  };
  shared.users += 1;
  ofSource.set(tls, shared);
  ofClock.set(name, ofSource);
  let isReleased = false;
  return {
    node: shared.node,
    release() {
      if (isReleased) return;
      isReleased = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      ofSource.delete(tls);
      if (ofSource.size === 0) ofClock.delete(name);
      shared.node.close();
    },
  };
}

/** A client is identified by the object itself; an address by its text, in a Cluster together with the key. */
function nameOf(source: NodeSource, key: string): unknown {
  if (typeof source !== 'string') return source;
  return parseAddress(source).via === undefined ? source : `${source} ${key}`;
}
