/**
 * The canaries: mistakes that somebody could make in the protocol, the client or the queue. A simulator that does not
 * catch them proves nothing.
 */
import type { ScenarioName } from '../run/scenario.js';
import type { Canary } from './canary.js';
import { CLIENT_CANARIES } from './clients.js';
import { NODE_CANARIES } from './nodes.js';
import { QUEUE_CANARIES } from './queues.js';

export const CANARIES: readonly Canary[] = [...NODE_CANARIES, ...CLIENT_CANARIES, ...QUEUE_CANARIES];

/** In which simulation it is to be caught. */
export const scenarioOfCanary = (name: string | undefined): ScenarioName =>
  QUEUE_CANARIES.some((canary) => canary.name === name) ? 'queue' : 'locks';
