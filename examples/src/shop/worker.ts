/**
 * One worker of the shop: lets orders go on, makes pictures, counts purchases. Its one argument is a Task as JSON; it is started
 * by `fork`.
 *
 * It is careless on purpose: it never looks at `lease.signal` before it writes, as a write that was already on its way when its
 * process was paused could not look either. What keeps the accounts right then is the guard.
 *
 * Guarantees: ends by itself as soon as whoever started it is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { accountsIn } from './accounts.js';
import type { FromWorker, Task, ToWorker } from './messages.js';
import { checkOf, openOrders } from './orders.js';
import { makePictures, openPictures } from './pictures.js';
import { countPurchases, openFeatures } from './recommendations.js';
import { DEPLOYMENT, LEASE } from './setting.js';

/** What the bank takes; and a worker that was asked to linger, to be caught meanwhile. */
const [BANK, LINGER] = [5, 500];

const task = JSON.parse(process.argv[2] ?? '') as Task;
const { nodes, data, name } = task;
const tell = (message: FromWorker): void => void process.send?.(message);
let { fenced } = task;
let lingerNext = false;

const locks = createLocks({ nodes, ...DEPLOYMENT, identity: `worker-${name}` });
const guard = createRedisGuard({ redis: data });
const redis = new Redis(data);
const store = openFeatures(data);
const pictures = openPictures(data);
const accounts = accountsIn({
  ...{ locks, guard, redis, isFenced: () => fenced },
  async authorise({ token }, { id, account }) {
    const lingering = lingerNext;
    lingerNext = false;
    tell({ kind: 'sealed', order: id, account, token, lingering });
    await sleep(lingering ? LINGER : BANK);
  },
  onCharged: (booking) => tell({ kind: 'charged', booking }),
  onRefused: ({ token }, { id, account }, { seen }) =>
    tell({ kind: 'refused', order: id, account, token, seen }),
});
const orders = openOrders(data, checkOf({ store, pictures, accounts }));

await locks.inspect('connects');
orders.work({ lease: LEASE, concurrency: 50 });
makePictures(pictures, guard);
await countPurchases(store, locks, data);
process.on('disconnect', () => process.exit());
process.on('message', (message: ToWorker) => {
  if (message.kind === 'linger') lingerNext = message.next;
  else fenced = message.fenced;
});
tell({ kind: 'ready' });
