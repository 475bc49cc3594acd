/**
 * The faults: a worker is stopped between its read and its write, and continued after others have written; a worker
 * is killed while it holds the lease; a node is killed and comes back empty; a node freezes.
 *
 * Guarantees: order, victims and pauses come from the seed. At most two of the five nodes are out at a time, counting
 * the quarantine: one killed, one frozen. A stopped worker is always continued, a frozen node always thawed. A first
 * complete stop takes place even if the time is over by then, within `cutoff`.
 */
import type { LocalNode } from '@holdfast/local';
import { type Changes, rest } from './changes.js';
import type { Crew, Worker } from './crew.js';
import type { Health } from './health.js';
import { type Dice, dice } from './random.js';

export interface Scene {
  readonly crew: Crew;
  readonly health: Health;
  readonly changes: Changes;
  readonly tally: Tally;
  readonly say: (text: string) => void;
}

/** How many faults have struck, each from its beginning to its end. */
export interface Tally {
  workersStopped: number;
  workersKilled: number;
  nodesKilled: number;
  nodesFrozen: number;
}

export interface Bounds {
  readonly seed: number;
  /** Aborts when the time is over: no new faults, and those under way come to their end. */
  readonly over: AbortSignal;
  /** Aborts when nothing may go on. */
  readonly cutoff: AbortSignal;
  /** Aborts both, because a fault could not be carried out. */
  readonly halt: () => void;
}

/** Increments that others must have got acknowledged before a stopped worker is continued. */
const OVERTAKEN_BY = 3;

/** Strikes until the time is over. When it settles no fault is under way; rejects if one could not be carried out. */
export async function strike(scene: Scene, bounds: Bounds): Promise<void> {
  const struck = new Set<LocalNode>();
  const tracks = [
    strikeWorkers(scene, dice(bounds.seed), bounds),
    killNodes(scene, dice(bounds.seed + 1), { struck, over: bounds.over }),
    freezeNodes(scene, dice(bounds.seed + 2), { struck, over: bounds.over }),
    scene.health.watch(bounds.over),
  ];
  for (const track of tracks) track.catch(bounds.halt);
  await Promise.allSettled(tracks);
  await Promise.all(tracks);
}

async function strikeWorkers(scene: Scene, random: Dice, { over, cutoff }: Bounds): Promise<void> {
  const { crew, tally } = scene;
  for (let round = 0; !cutoff.aborted; round += 1) {
    const proven = tally.workersStopped > 0;
    if (proven && over.aborted) return;
    const ends = proven ? over : cutoff;
    await rest(random.between(200, 700), ends);
    const worker = random.pick(crew.seats);
    const kills = round === 1 || (round > 1 && random.between(0, 1) < 0.4);
    if (proven && kills) await killWorker(scene, worker, ends);
    else await stopWorker(scene, worker, ends);
  }
}

/** Stops a worker between its read and its write; continues it when others have been granted the lease and written. */
async function stopWorker(scene: Scene, worker: Worker, ends: AbortSignal): Promise<void> {
  const { crew, changes, say, tally } = scene;
  if (!(await caught(scene, worker, ends))) return;
  const { token } = worker;
  crew.stop(worker);
  say(`worker ${worker.name} stopped between its read and its write, token ${token}`);
  const overtaken = (): boolean =>
    crew.acknowledged.filter((entry) => entry.token > token).length >= OVERTAKEN_BY;
  const met = await changes.until(overtaken, ends, 6_000);
  const late = worker.ended?.token === token; // its write was acknowledged before the stop struck
  crew.continue(worker);
  const ended = await changes.until(() => worker.ended?.token === token, ends, 3_000);
  if (!met || late || !ended) {
    const why = ends.aborted ? 'the time is over' : 'nobody had overtaken it';
    return say(`worker ${worker.name} continued: ${why}`);
  }
  tally.workersStopped += 1;
  const fate =
    worker.ended?.as === 'refused' ? 'REFUSED as stale' : 'ACCEPTED, over what others have written';
  say(`worker ${worker.name} continued, its write under token ${token} was ${fate}`);
}

async function killWorker(scene: Scene, worker: Worker, ends: AbortSignal): Promise<void> {
  if (!(await caught(scene, worker, ends))) return;
  await scene.crew.kill(worker, ends);
  if (ends.aborted) return;
  scene.tally.workersKilled += 1;
  scene.say(`worker ${worker.name} killed while it held the lease, token ${worker.token}; replaced`);
  scene.crew.replace(worker);
}

/** Waits until the worker holds the lease, has read, and has not written yet. */
function caught({ crew, changes }: Scene, worker: Worker, ends: AbortSignal): Promise<boolean> {
  crew.tell(worker, { kind: 'linger' });
  return changes.until(() => worker.state === 'lingering', ends, 4_000);
}

/** What the two kinds of faults of nodes share: which nodes are out now. */
interface Round {
  readonly struck: Set<LocalNode>;
  readonly over: AbortSignal;
}

async function killNodes(scene: Scene, random: Dice, { struck, over }: Round): Promise<void> {
  const { health, changes, say, tally } = scene;
  while (await rest(random.between(400, 1_200), over)) {
    const node = random.pick(health.nodes.filter((each) => !struck.has(each)));
    struck.add(node);
    await node.kill();
    say(`node ${node.port} killed`);
    if (!(await rest(random.between(500, 900), over))) return;
    await node.start({ empty: true });
    tally.nodesKilled += 1;
    say(`node ${node.port} restarted empty: it votes again after its quarantine`);
    // One that does not come back stays out, and no other is killed: two are the most that five can spare.
    if (!(await changes.until(() => health.of(node) === 'voting', over, 15_000))) return;
    say(`node ${node.port} votes again`);
    struck.delete(node);
  }
}

async function freezeNodes(scene: Scene, random: Dice, { struck, over }: Round): Promise<void> {
  const { health, say, tally } = scene;
  while (await rest(random.between(800, 2_000), over)) {
    const node = random.pick(health.nodes.filter((each) => !struck.has(each)));
    struck.add(node);
    node.freeze();
    say(`node ${node.port} frozen`);
    await rest(random.between(800, 1_800), over);
    node.thaw();
    tally.nodesFrozen += 1;
    say(`node ${node.port} thawed`);
    struck.delete(node);
  }
}
