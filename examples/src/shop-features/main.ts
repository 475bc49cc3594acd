/**
 * Runs the shop's features: `main.ts [all | ingest | profiles | rebuild | web | train]`. `ingest` and `web` go on until SIGTERM; start
 * as many as you need. `profiles` is the nightly batch, `rebuild` makes all profiles anew beside those that are read, `train` trains the model. `all`
 * does everything in one process, on servers of its own unless the environment names some, and ends.
 *
 * Settings come from the environment: HOLDFAST_NODES, the lock nodes; REDIS_URL, the data; CUSTOMERS, a file with one customer
 * in JSON on each line; AS_OF, of when they are, in ms since the epoch; LEASE, after how many ms without a sign of life another
 * process takes over; PAUSE of the batch after every hundred rows, in ms; PORT.
 */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { data, nodes, stop } from '../nodes.js';
import { type Click, openShop, STREAMS } from './definitions.js';
import { type Customer, followAll, type Job, type Plant, rebuildProfiles, writeProfiles } from './ingest.js';
import { UNTRAINED } from './model.js';
import { modelIn, trainIn } from './training.js';
import { rank, serve } from './web.js';

const { env } = process;
const role = process.argv[2] ?? 'all';
const locks = createLocks({ nodes });
const store = openShop(data);
const redis = new Redis(data);
redis.on('error', () => {}); // it connects again by itself
const plant: Plant = { store, locks, redis: data, lease: Number(env['LEASE'] ?? 5_000) };
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());

async function readJob(): Promise<Job> {
  const lines = (await readFile(env['CUSTOMERS'] ?? 'customers.jsonl', 'utf8')).trim().split('\n');
  const customers = lines.map((line): Customer => JSON.parse(line));
  return { customers, asOf: Number(env['AS_OF'] ?? Date.now()), pause: Number(env['PAUSE'] ?? 0) };
}

async function web(): Promise<void> {
  let model = await modelIn(redis);
  const looking = setInterval(() => {
    modelIn(redis).then(
      (latest) => {
        model = latest;
      },
      () => {}, // Redis is away: the model is as it was
    );
  }, 500);
  const server = serve({ store, redis, model: () => model }).listen(Number(env['PORT'] ?? 0));
  server.once('listening', () => {
    console.log(`http://localhost:${(server.address() as AddressInfo).port}`);
    console.log('web: ready');
  });
  await new Promise((resolve) => ending.signal.addEventListener('abort', resolve));
  clearInterval(looking);
  server.close();
  server.closeAllConnections();
}

/** Somebody clicks three times, and is shown what to buy. */
async function all(): Promise<void> {
  const ingest = followAll(plant, ending.signal);
  const asOf = Date.now() - 60_000;
  const customers = [{ id: 'u1', age: 41, city: 'Kiel', tier: 'gold' }];
  await writeProfiles(plant, { customers, asOf, pause: 0 });
  for (const [id, left, price] of [['tent', 3, 80] as const, ['lamp', 9, 20] as const])
    await redis.xadd(STREAMS.stock[0], '*', 'json', JSON.stringify({ id, left, price, at: asOf }));
  for (const [n, product] of ['tent', 'lamp', 'tent'].entries()) {
    const click: Click = { user: 'u1', product, seconds: 10, paid: 0, at: asOf + n };
    await redis.xadd(STREAMS.clicks[n] ?? '', '*', 'json', JSON.stringify(click));
  }
  const url = new URL('http://localhost/rank?user=u1&products=tent,lamp&budget=50');
  const isIn = ({ features }: Awaited<ReturnType<typeof rank>>[0]) =>
    features['hour.clicks'] === 3 && features['day.paid'] !== null && features['stock.left'] !== null;
  for (;;) {
    const items = await rank(store, UNTRAINED, url);
    if (!items.every(isIn)) {
      await sleep(20);
      continue;
    }
    for (const { product, features } of items)
      console.log(product, features['profile.tier'], features['day.recent']);
    break;
  }
  ending.abort();
  await ingest;
}

const ROLES: Readonly<Record<string, () => Promise<unknown>>> = {
  all,
  ingest: async () => {
    console.log('ingest: ready');
    await followAll(plant, ending.signal);
  },
  profiles: async () => writeProfiles(plant, await readJob()),
  rebuild: async () => rebuildProfiles(plant, await readJob()),
  web,
  train: () => trainIn(redis),
};
const play = ROLES[role];
if (play === undefined) {
  console.error(`Say ${Object.keys(ROLES).join(', ')}; got "${role}".`);
  process.exit(64);
}
await store.apply(); // what is applied already changes nothing
await play().catch((error: Error) => {
  console.log(`${role}: refused, as ${error.message}`);
  process.exitCode = 1;
});
redis.disconnect();
await store.close();
await locks.close();
await stop();
console.log(`${role}: ended`);
