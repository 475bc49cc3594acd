/**
 * One worker process: takes the lease on the account, reads the balance, thinks, writes it back plus one, gives the
 * lease back, and again. Its one argument is a WorkerTask as JSON; it is started by `fork`.
 *
 * It is careless on purpose: it never looks at `lease.signal` before it writes, as a write that was already on its way
 * when its process was paused could not look either. What keeps the ledger right then is the guard.
 *
 * Guarantees: ends when told to, and by itself as soon as whoever started it is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, StaleTokenError } from '@holdfast/fence';
import { createLocks, type Lease } from '@holdfast/lock';
import { ACCOUNT, Ledger } from './ledger.js';
import type { FromWorker, ToWorker, WorkerTask } from './messages.js';
import { DEPLOYMENT, TTL } from './setting.js';

/** How long a worker that was asked to linger thinks between its read and its write, in ms: within its TTL. */
const LINGER = 500;

const task = JSON.parse(process.argv[2] ?? '') as WorkerTask;
const finishing = new AbortController();
let lingerNext = false;

process.on('disconnect', () => process.exit());
process.on('message', (message: ToWorker) => {
  if (message.kind === 'linger') lingerNext = true;
  else finishing.abort();
});

const locks = createLocks({ nodes: task.nodes, ...DEPLOYMENT, identity: `worker-${task.name}` });
const ledger = new Ledger(task.ledger, { fenced: task.fenced });
await locks.inspect(ACCOUNT); // connects
tell({ kind: 'ready' });

for (let n = 1; !finishing.signal.aborted; n += 1) {
  tell({ kind: 'waiting' });
  try {
    const lease = await locks.acquire(ACCOUNT, { ttl: TTL, wait: 60_000, signal: finishing.signal });
    tell({ kind: 'granted', token: lease.token });
    await increment(lease, `${task.name}-${n}`);
    await lease.release();
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (!finishing.signal.aborted) tell({ kind: 'trouble', reason: `${error.code}: ${error.message}` });
  }
  await sleep(20 + 60 * Math.random()); // so that others have their turn
}
await Promise.all([locks.close(), ledger.close()]);
process.disconnect();

/** One read-modify-write on the ledger. */
async function increment(lease: Lease, id: string): Promise<void> {
  const { token } = lease;
  let at: 'seal' | 'write' = 'seal';
  try {
    const account = await ledger.open(lease);
    const balance = await account.balance();
    at = 'write';
    const lingering = lingerNext;
    lingerNext = false;
    tell({ kind: 'read', token, lingering });
    await sleep(lingering ? LINGER : 5 + 10 * Math.random());
    await account.increment(id, balance);
    tell({ kind: 'acknowledged', id, token });
  } catch (error) {
    if (!(error instanceof StaleTokenError)) throw error;
    tell({ kind: 'refused', at, token, seen: error.seen });
  }
}

function tell(message: FromWorker): void {
  process.send?.(message);
}
