/**
 * One run of the shop: starts servers and processes, lets customers come and faults strike, and gathers the facts.
 *
 * Guarantees: whatever it has started is gone when it settles, however it ends: well, interrupted, or with an error that says why
 * it could not run. Data lie under `.holdfast/shop/<pid>` in the working folder.
 */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Features } from '@holdfast/features';
import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNode, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { Changes, limit, onAbort, rest } from '../../ledger/changes.js';
import { Health } from '../../ledger/health.js';
import { dice } from '../../ledger/random.js';
import { Undo } from '../../ledger/undo.js';
import type { View } from '../../ledger/view.js';
import { CATALOGUE } from '../catalogue.js';
import type { Snapshot } from '../messages.js';
import { openFeatures } from '../recommendations.js';
import { DEPLOYMENT, NODES, type Plant } from '../setting.js';
import { Crew } from './crew.js';
import { Customers } from './customers.js';
import { Faults, type Scene } from './faults.js';
import { type Controlled, listenToKeys } from './keys.js';
import type { Options } from './options.js';
import { pictureOf, snapshotOf } from './picture.js';
import { readFacts } from './stores.js';
import type { Facts } from './verdict.js';

/** When the faults begin by themselves, in ms, unless the run is short. */
const CALM = 30_000;
/** What a timer can wait for, in ms: 24 days. */
const LONGEST = 2 ** 31 - 1 - 60_000;
/** How long what is under way at the end may take, in ms. */
const REST = 30_000;

export interface Outcome {
  readonly facts: Facts;
  /** How long customers waited for each answer, in ms. */
  readonly took: readonly number[];
  readonly tally: Scene['tally'];
  /** Whether the guard was off at some time. */
  readonly unfenced: boolean;
}

interface Stage extends Plant {
  readonly servers: readonly LocalNode[];
  readonly locks: Locks;
  readonly undo: Undo;
  readonly view: View;
  /** Aborts when the run is interrupted. */
  readonly interrupted: AbortSignal;
}

/** Throws if the shop could not run, or as `interrupted` says. */
export async function run(options: Options, view: View, interrupted: AbortSignal): Promise<Outcome> {
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

async function play(stage: Stage, options: Options): Promise<Outcome> {
  const { nodes, servers, data, locks, undo, view, interrupted } = stage;
  const store = openFeatures(data);
  undo.add(() => store.close());
  await store.apply();
  const changes = new Changes();
  const { fenced, port, duration, rate, seed } = options;
  const crew = new Crew({ nodes, data, fenced, port }, changes);
  undo.add(() => crew.close());
  const ready = await crew.start(limit(60_000, interrupted, crew.broken));
  throwIfEnded(crew, interrupted);
  if (!ready) throw new Error('the processes were not ready within a minute');

  const say = (text: string): void => {
    view.say(text);
    crew.tellShop({ kind: 'event', text });
  };
  const scene: Scene = {
    ...{ crew, changes, say, health: new Health(servers, locks, changes) },
    tally: { frozen: 0, killed: 0, emptied: 0 },
  };
  const ended = new AbortController();
  undo.add(async () => ended.abort());
  const quit = new AbortController();
  const over = limit(Math.min(duration, LONGEST), interrupted, crew.broken, quit.signal);
  const last = new AbortController();
  onAbort(over, () => void setTimeout(() => last.abort(), REST).unref());
  const cutoff = limit(LONGEST, interrupted, crew.broken, last.signal);
  const faults = new Faults(scene, { dice: dice(seed), over, cutoff });
  const customers = new Customers(`http://127.0.0.1:${crew.port}`);
  const controls = controlsOf(crew, faults, () => quit.abort());
  listenToKeys(options.plain, controls, ended.signal);
  crew.onSwitch = controls;
  await scene.health.look();
  scene.health.watch(ended.signal).catch(() => {}); // what cannot be seen is shown as it was
  const look = (): Snapshot => snapshotOf(scene, customers, faults);
  view.show(pictureOf(scene, look));
  say(`the shop is open: http://localhost:${crew.port}`);
  tellAgain(crew, look, ended.signal);
  await Promise.all([
    options.faults &&
      rest(Math.min(CALM, duration / 3), over).then((isTime) => isTime && controls({ faults: true })),
    rate > 0 ? customers.come(rate, dice(seed + 1), { over, cutoff }) : rest(LONGEST, over),
  ]);
  await faults.settled();
  throwIfEnded(crew, interrupted);
  const facts = await gather({ data, store, cutoff }, scene, customers);
  return { facts, took: customers.took, tally: scene.tally, unfenced: crew.wasUnfenced };
}

/** What the switches do, of the page and of the terminal. */
const controlsOf =
  (crew: Crew, faults: Faults, quit: () => void) =>
  ({ faults: striking, fencing, flip, isOver }: Controlled): void => {
    if (striking !== undefined) faults.on = striking;
    if (fencing !== undefined) crew.fenced = fencing;
    if (flip === 'faults') faults.on = !faults.on;
    if (flip === 'fencing') crew.fenced = !crew.fenced;
    if (isOver) quit();
  };

function tellAgain(crew: Crew, look: () => Snapshot, signal: AbortSignal): void {
  const timer = setInterval(() => crew.tellShop({ kind: 'snapshot', snapshot: look() }), 500);
  onAbort(signal, () => clearInterval(timer));
}

/** Pictures and counts come after the answers: they are waited for, until `cutoff` aborts. */
async function gather(
  { data, store, cutoff }: { readonly data: string; readonly store: Features; readonly cutoff: AbortSignal },
  { crew, tally }: Scene,
  { told }: Customers,
): Promise<Facts> {
  const redis = new Redis(data);
  try {
    for (;;) {
      const heard = { told, acknowledged: crew.charged, refused: crew.refused, tested: tally.frozen > 0 };
      const facts = { ...heard, ...(await readFacts(redis, store)) };
      const { counted, pictures, bookings } = facts;
      const isDone = counted >= bookings.length && pictures.size >= bookings.length + CATALOGUE.length;
      if (isDone || !(await rest(200, cutoff))) return facts;
    }
  } finally {
    redis.disconnect();
  }
}

function throwIfEnded(crew: Crew, interrupted: AbortSignal): void {
  interrupted.throwIfAborted();
  crew.broken.throwIfAborted();
}
