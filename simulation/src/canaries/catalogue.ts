/**
 * The canaries: mistakes that somebody could make in the protocol, the client, the queue, workflows, the feature store or the
 * index of vectors. A simulator that does not catch them proves nothing.
 */
import type { ScenarioName } from '../run/scenario.js';
import type { Canary } from './canary.js';
import { CLIENT_CANARIES } from './clients.js';
import { COPY_CANARIES } from './copies.js';
import { ERASURE_CANARIES } from './erasures.js';
import { EXPORT_CANARIES } from './exports.js';
import { FEATURES_CANARIES } from './features.js';
import { FUNCTION_CANARIES } from './functions.js';
import { GENERATION_CANARIES } from './generations.js';
import { NODE_CANARIES } from './nodes.js';
import { PAYLOAD_CANARIES } from './payloads.js';
import { QUEUE_STEERING_CANARIES } from './queue-steering.js';
import { QUEUE_CANARIES } from './queues.js';
import { READ_CANARIES } from './reads.js';
import { REMOTE_WORKER_CANARIES } from './remote-workers.js';
import { REPLICA_CANARIES } from './replicas.js';
import { VECTOR_GENERATION_CANARIES } from './vector-generations.js';
import { VECTOR_SERVER_CANARIES } from './vector-server.js';
import { VECTOR_SHARD_CANARIES } from './vector-shards.js';
import { VECTORS_CANARIES } from './vectors.js';
import { VERB_CANARIES } from './verbs.js';
import { WORKER_CANARIES } from './workers.js';
import { WORKFLOW_CANARIES } from './workflows.js';

const OF_QUEUE: readonly Canary[] = [
  ...QUEUE_CANARIES,
  ...QUEUE_STEERING_CANARIES,
  ...REMOTE_WORKER_CANARIES,
  ...PAYLOAD_CANARIES,
  ...WORKER_CANARIES,
];
const OF_WORKFLOW: readonly Canary[] = [...WORKFLOW_CANARIES, ...FUNCTION_CANARIES, ...VERB_CANARIES];

const OF_FEATURES: readonly Canary[] = [
  ...FEATURES_CANARIES,
  ...GENERATION_CANARIES,
  ...READ_CANARIES,
  ...ERASURE_CANARIES,
  ...EXPORT_CANARIES,
  ...COPY_CANARIES,
  ...REPLICA_CANARIES,
];

const OF_VECTORS: readonly Canary[] = [
  ...VECTORS_CANARIES,
  ...VECTOR_GENERATION_CANARIES,
  ...VECTOR_SHARD_CANARIES,
  ...VECTOR_SERVER_CANARIES,
];

export const CANARIES: readonly Canary[] = [
  ...NODE_CANARIES,
  ...CLIENT_CANARIES,
  ...OF_QUEUE,
  ...OF_WORKFLOW,
  ...OF_FEATURES,
  ...OF_VECTORS,
];

/** In which simulation it is to be caught. */
export function scenarioOfCanary(name: string | undefined): ScenarioName {
  const isOf = (canaries: readonly Canary[]): boolean => canaries.some((canary) => canary.name === name);
  if (isOf(OF_WORKFLOW)) return 'workflow';
  if (isOf(OF_FEATURES)) return 'features';
  if (isOf(OF_VECTORS)) return 'vectors';
  return isOf(OF_QUEUE) ? 'queue' : 'locks';
}
