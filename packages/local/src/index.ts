/**
 * @holdfast/local: real Redis nodes on this machine, started, stopped, killed, frozen and restarted.
 * The main path: `startNodes` (nodes.ts), whose nodes (node.ts) run under a watchdog (watchdog.ts).
 */
export { LocalNode } from './node.js';
export { LocalNodes, type StartOptions, startNodes } from './nodes.js';
export { findServer } from './server-binary.js';
