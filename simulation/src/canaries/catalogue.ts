/**
 * The canaries: mistakes that somebody could make in the protocol, the client or the queue. A simulator that does not
 * catch them proves nothing.
 */
import type { ScenarioName } from '../run/scenario.js';
import type { Canary } from './canary.js';
import { CLIENT_CANARIES } from './clients.js';
import { NODE_CANARIES } from './nodes.js';
import { QUEUE_CANARIES } from './queues.js';
import { WORKER_CANARIES } from './workers.js';

const OF_QUEUE: readonly Canary[] = [...QUEUE_CANARIES, ...WORKER_CANARIES];

export const CANARIES: readonly Canary[] = [...NODE_CANARIES, ...CLIENT_CANARIES, ...OF_QUEUE];

/** In which simulation it is to be caught. */
export const scenarioOfCanary = (name: string | undefined): ScenarioName =>
  OF_QUEUE.some((canary) => canary.name === name) ? 'queue' : 'locks';
