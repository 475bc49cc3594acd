/**
 * A log of leases, by the diagnostics channels. The sample of docs/OBSERVABILITY.md.
 */
import { createLocks } from '@holdfast/lock';
import { nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });

// #region readme
import { subscribe } from 'node:diagnostics_channel';
import type { LockMessage } from '@holdfast/lock';

for (const event of ['acquired', 'refused', 'waited', 'renewed', 'lost', 'released']) {
  subscribe(`holdfast:lock:${event}`, (message) => {
    const { resource, error } = message as LockMessage;
    console.log(event, resource, error instanceof Error ? error.name : '');
  });
}
// #endregion readme

const lease = await locks.acquire('invoice:42');
await locks.tryAcquire('invoice:42');
await lease.release();
await locks.close();
await stop();
