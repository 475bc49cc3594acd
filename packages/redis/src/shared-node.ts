/**
 * One node for all that is called on one server by one program: several queues, guards and others on the same client or
 * address share its connection and its group commit.
 *
 * Guarantees: a node is counted, and closed when the last of its users has given it back. Nodes that were asked for with
 * another clock or with other TLS settings are others, and in a Cluster each key has a node of its own, because it may
 * live on another server.
 */
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '@holdfast/kernel';
import { parseAddress } from './address.js';
import { connect, type NodeSource } from './connect.js';
import { RedisNode } from './node.js';

export interface SharedNodeOptions {
  readonly tls?: ConnectionOptions | undefined;
  /** A key of what is called, which says which server of a Cluster is meant. */
  readonly key: string;
  readonly clock: Clock;
}

interface Shared {
  readonly node: RedisNode;
  users: number;
}

/** What a user has of a node. */
export interface NodeUse {
  readonly node: RedisNode;
  /** Gives it back, once. */
  release(): void;
}

const known = new WeakMap<Clock, Map<unknown, Map<ConnectionOptions | undefined, Shared>>>();

/** Connects nothing yet. Throws MisuseError for a source that is none. */
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

/** A client is known by itself; an address by its text, in a Cluster together with the key. */
function nameOf(source: NodeSource, key: string): unknown {
  if (typeof source !== 'string') return source;
  return parseAddress(source).via === undefined ? source : `${source} ${key}`;
}
