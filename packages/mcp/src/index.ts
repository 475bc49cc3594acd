/**
 * @holdfast/mcp: a Holdfast server's locks, queues, workflows, features and search as tools of the Model Context Protocol,
 * for agents that work beside each other. The main path: `serveMcp` (serve.ts) offers the tools of tools/ to the program at
 * the other end of its streams, and keeps the locks that its agent took (held-locks.ts).
 */
export { type McpHandle, type McpOptions, serveMcp } from './serve.js';
export { ALLOWANCES, type Allowance } from './tool.js';
