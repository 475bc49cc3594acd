/**
 * @holdfast/queue/postgres: queues beside PostgreSQL. The main path: `createInbox` and `once` in a handler, for effects
 * that happen exactly once; `createOutbox`, `add` in a transaction and `relay`, for tasks that appear if it commits.
 */
export { createInbox, type Inbox, type InboxOptions } from './inbox.js';
export { createOutbox, type Outbox, type OutboxOptions, type Relay, type RelayOptions } from './outbox.js';
