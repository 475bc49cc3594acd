/** redlock-universal. */

// #region readme
import { createRedlock, IoredisAdapter } from 'redlock-universal';
import { clients, counter, end, increment, TASKS } from './job.js';

const adapters = clients.map((client) => new IoredisAdapter(client));
const retry = { retryAttempts: 200, retryDelay: 20 };

await Promise.all(
  TASKS.map(() => createRedlock({ adapters, key: 'counter', ttl: 2_000, ...retry }).using(increment)),
);
console.log(await counter());

const lock = createRedlock({ adapters, key: 'report', ttl: 2_000 });
const handle = await lock.acquire();
await lock.extend(handle, 2_000);
const impatient = createRedlock({ adapters, key: 'report', ttl: 2_000, retryAttempts: 0 });
await impatient.acquire().catch(() => console.log('busy'));
await lock.release(handle);
// #endregion readme

await end();
