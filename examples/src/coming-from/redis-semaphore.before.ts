/** redis-semaphore. */

// #region readme
import { RedlockMutex, RedlockSemaphore } from 'redis-semaphore';
import { clients, counter, end, increment, TASKS } from './job.js';

await Promise.all(
  TASKS.map(async () => {
    const mutex = new RedlockMutex(clients, 'counter', {
      lockTimeout: 2_000,
      acquireTimeout: 10_000,
      onLockLost: (error) => console.error(error),
    });
    await mutex.acquire();
    await increment();
    await mutex.release();
  }),
);
console.log(await counter());

const options = { acquireAttemptsLimit: 1 };
const slots = [1, 2, 3].map(() => new RedlockSemaphore(clients, 'workers', 2, options));
const got = await Promise.all(slots.slice(0, 2).map((slot) => slot.tryAcquire()));
console.log(got, await slots[2]?.tryAcquire());
await Promise.all(slots.map((slot) => slot.release()));
// #endregion readme

await end();
