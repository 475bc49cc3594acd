/**
 * One client: asks for leases, extends, writes under them and gives them back, at random, and records all of it.
 *
 * It is killed and stopped at any moment. It ends when it is told to finish, or when the harness is gone.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { seededRandom } from '@holdfast/kernel';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import type { Assignment } from './assignment.js';
import { joinHarness } from './harness.js';
import { Ledger } from './ledger.js';
import { connectNodes, disconnectNodes } from './reach.js';
import { Recorder } from './recorder.js';
import { Worker } from './worker.js';

const { assignment, finishing, say, unexpected, leave } = joinHarness<Assignment>();
const { name, seed, history, reach, parameters, entries } = assignment;

const locks = createLocks({ nodes: connectNodes(reach), identity: name, ...parameters, onWarning: () => {} });
const guard = createRedisGuard({
  redis: assignment.ledger,
  window: parameters.window,
  persistence: 'synchronous',
  callTimeout: 2_000,
});
const reader = new Redis(assignment.ledger, { retryStrategy: () => 100, commandTimeout: 2_000 });
reader.on('error', () => {}); // the store is killed on purpose

const recorder = new Recorder(history, name, unexpected);
const ledger = new Ledger(guard, reader, entries);
const workers = Array.from(
  { length: assignment.workers },
  (_, index) =>
    new Worker({
      ...{ locks, ledger, recorder, random: seededRandom(seed + index) },
      ...{ shares: assignment.shares, finishing },
    }),
);
say({ say: 'ready' });
await Promise.all(workers.map((worker) => worker.work()));
await workers[0]?.askForAll(assignment.grantedWithin, (resource, error) =>
  say({ say: 'starved', resource, error: String(error) }),
);
reader.disconnect();
await guard.close();
await locks.close();
disconnectNodes();
leave();
