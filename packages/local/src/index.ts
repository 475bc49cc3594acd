/**
 * @holdfast/local: real Redis nodes on this machine, started, stopped, killed, frozen and restarted.
 * The main path: `startNodes` (nodes.ts), whose nodes (server-node.ts) run under a watchdog (watchdog.ts).
 */
export type { AgainOptions, LocalNode } from './node.js';
export { type LocalNodes, startNodes } from './nodes.js';
export type { StartOptions } from './options.js';
export { findServer } from './server-binary.js';
