/**
 * One run of the shop: starts servers and processes, lets customers come and faults strike, and gathers the facts.
 *
 * Guarantees: whatever it has started is gone when it settles, however it ends: well, interrupted, or with an error that says why
 * it could not run. Data lie under `.holdfast/shop/<pid>` in the working folder.
 */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNode, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { Changes, limit, rest } from '../ledger/changes.js';
import { Health } from '../ledger/health.js';
import { dice } from '../ledger/random.js';
import { Undo } from '../ledger/undo.js';
import type { View } from '../ledger/view.js';
import { Crew } from './crew.js';
import { Customers } from './customers.js';
import { type Scene, strike } from './faults.js';
import type { Options } from './options.js';
import { pictureOf } from './picture.js';
import { openFeatures } from './recommendations.js';
import { DEPLOYMENT, NODES, type Plant } from './setting.js';
import { readFacts } from './stores.js';
import type { Facts } from './verdict.js';

/** When the faults begin by themselves, in ms, unless the run is short. */
const CALM = 30_000;
/** What a timer can wait for, in ms: 24 days. */
const LONGEST = 2 ** 31 - 1 - 60_000;
/** How long what is under way at the end may take, in ms. */
const REST = 30_000;

interface Stage extends Plant {
  readonly servers: readonly LocalNode[];
  readonly locks: Locks;
  readonly undo: Undo;
  readonly view: View;
  /** Aborts when the run is interrupted. */
  readonly interrupted: AbortSignal;
}

/** Throws if the shop could not run, or as `interrupted` says. */
export async function run(options: Options, view: View, interrupted: AbortSignal): Promise<Facts> {
  const undo = new Undo();
  try {
    return await play(await build({ undo, view, interrupted }), options);
  } finally {
    view.end();
    await undo.all();
  }
}

async function build({
  undo,
  view,
  interrupted,
}: Pick<Stage, 'undo' | 'view' | 'interrupted'>): Promise<Stage> {
  const folder = resolve('.holdfast', 'shop', String(process.pid));
  undo.add(() => rm(folder, { recursive: true, force: true }));
  const local = await startNodes(NODES, { folder: join(folder, 'nodes') });
  undo.add(() => local.stop());
  interrupted.throwIfAborted();
  const vault = await startNodes(1, { folder: join(folder, 'data') });
  undo.add(() => vault.stop());
  interrupted.throwIfAborted();
  const [data = ''] = vault.urls;
  const locks = createLocks({ nodes: local.urls, ...DEPLOYMENT });
  undo.add(() => locks.close());
  await locks.initialize(); // we have just created the nodes: no lease can exist
  const guard = createRedisGuard({ redis: data });
  await guard.initialize(); // and Redis: it has lost no mark
  await guard.close();
  return { nodes: local.urls, servers: local.nodes, data, locks, undo, view, interrupted };
}

async function play(stage: Stage, options: Options): Promise<Facts> {
  const { nodes, servers, data, locks, undo, view, interrupted } = stage;
  const store = openFeatures(data);
  undo.add(() => store.close());
  await store.apply();
  const changes = new Changes();
  const { fenced, port } = options;
  const crew = new Crew({ nodes, data, fenced, port }, changes, () => {});
  undo.add(() => crew.close());
  const ready = await crew.start(limit(60_000, interrupted, crew.broken));
  throwIfEnded(crew, interrupted);
  if (!ready) throw new Error('the processes were not ready within a minute');

  const tally = { frozen: 0, killed: 0, emptied: 0 };
  const health = new Health(servers, locks, changes);
  const watching = new AbortController();
  undo.add(async () => watching.abort());
  health.watch(watching.signal).catch(() => {}); // what cannot be seen is shown as it was
  const scene: Scene = { crew, health, changes, tally, say: (text) => view.say(text) };
  const customers = new Customers(`http://127.0.0.1:${crew.port}`, changes);
  const duration = Math.min(options.duration, LONGEST);
  const over = limit(duration, interrupted, crew.broken);
  const cutoff = limit(duration + REST, interrupted, crew.broken);
  view.show(pictureOf(scene, customers, options));
  await Promise.all([
    strikeLater(scene, options, { over, cutoff }),
    options.rate > 0 && customers.come(options.rate, dice(options.seed + 1), { over, cutoff }),
  ]);
  throwIfEnded(crew, interrupted);
  const redis = new Redis(data);
  undo.add(async () => redis.disconnect());
  const told = {
    told: customers.told,
    acknowledged: crew.charged,
    refused: crew.refused,
    tested: tally.frozen > 0,
  };
  for (;;) {
    const facts = { ...told, ...(await readFacts(redis, store)) };
    const isDone = facts.counted >= facts.bookings.length && facts.pictures.size >= facts.bookings.length;
    if (isDone || !(await rest(200, cutoff))) return facts; // pictures and counts come after the answer
  }
}

interface Ends {
  readonly over: AbortSignal;
  readonly cutoff: AbortSignal;
}

async function strikeLater(
  scene: Scene,
  { faults, duration, seed }: Options,
  { over, cutoff }: Ends,
): Promise<void> {
  if (!faults || !(await rest(Math.min(CALM, duration / 3), over))) return;
  scene.say('faults begin');
  await strike(scene, { dice: dice(seed), over, cutoff });
}

function throwIfEnded(crew: Crew, interrupted: AbortSignal): void {
  interrupted.throwIfAborted();
  crew.broken.throwIfAborted();
}
