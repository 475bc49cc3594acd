/**
 * One client: asks for leases, extends, writes under them and gives them back, at random, and records all of it.
 *
 * It is killed and stopped at any moment. It ends when it is told to finish, or when the harness is gone.
 */
import { setMaxListeners } from 'node:events';
import { createRedisGuard } from '@holdfast/fence/redis';
import { seededRandom } from '@holdfast/kernel';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import type { Assignment, FromClient, ToClient } from './assignment.js';
import { Ledger } from './ledger.js';
import { connectNodes, disconnectNodes } from './reach.js';
import { Recorder } from './recorder.js';
import { Worker } from './worker.js';

const assignment: Assignment = JSON.parse(process.argv[2] ?? '');
const { name, seed, history, reach, parameters, entries } = assignment;

const say = (message: FromClient): void => {
  if (process.connected) process.send?.(message);
};
const unexpected = (error: unknown): void =>
  say({ say: 'unexpected', error: error instanceof Error ? `${error.stack}` : String(error) });

const orphaned = (): never => process.exit(1);
process.on('disconnect', orphaned);
process.on('uncaughtException', unexpected);
process.on('unhandledRejection', unexpected);

const locks = createLocks({ nodes: connectNodes(reach), identity: name, ...parameters, onWarning: () => {} });
const guard = createRedisGuard({
  redis: assignment.ledger,
  window: parameters.window,
  persistence: 'synchronous',
  callTimeout: 2_000,
});
const reader = new Redis(assignment.ledger, { retryStrategy: () => 100, commandTimeout: 2_000 });
reader.on('error', () => {}); // the store is killed on purpose

const finishing = new AbortController();
setMaxListeners(0, finishing.signal); // one a worker that rests
process.on('message', (message: ToClient) => {
  if (message === 'finish') finishing.abort();
});

const recorder = new Recorder(history, name, unexpected);
const ledger = new Ledger(guard, reader, entries);
const workers = Array.from(
  { length: assignment.workers },
  (_, index) =>
    new Worker({
      ...{ locks, ledger, recorder, random: seededRandom(seed + index) },
      ...{ shares: assignment.shares, finishing: finishing.signal },
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
process.off('disconnect', orphaned);
process.disconnect();
