/**
 * The canaries: mistakes that somebody could make in the protocol or the client. A simulator that does not catch them
 * proves nothing.
 */
import type { Canary } from './canary.js';
import { CLIENT_CANARIES } from './clients.js';
import { NODE_CANARIES } from './nodes.js';

export const CANARIES: readonly Canary[] = [...NODE_CANARIES, ...CLIENT_CANARIES];
