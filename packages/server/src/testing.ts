/** For tests and tools: the table of operations. */
export type { Operation } from './operations/operation.js';
export { OPERATIONS } from './operations/table.js';
