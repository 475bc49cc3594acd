/** For tests and tools: the table of operations. */
export { describe } from './openapi/document.js';
export type { Operation } from './operations/operation.js';
export { OPERATIONS } from './operations/table.js';
export { isPublic } from './webhooks/addresses.js';
