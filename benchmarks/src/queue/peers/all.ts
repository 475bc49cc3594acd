/** All peers of `queue-peers`. */
import type { Peer } from './peer.js';
import { postgresPeers } from './postgres.js';
import { rabbitmq } from './rabbitmq.js';
import { redisPeers } from './redis.js';

export const peers: readonly Peer[] = [...redisPeers, rabbitmq, ...postgresPeers];

/** Throws where there is none of that name. */
export function peerOf(name: string): Peer {
  const peer = peers.find((one) => one.name === name);
  if (peer === undefined) throw new Error(`There is no peer "${name}".`);
  return peer;
}
