/**
 * One run: starts nodes, ledger and workers, lets the faults strike for a while, and gathers the facts.
 *
 * Guarantees: whatever it has started is gone when it settles, however it ends: well, interrupted, or with an error
 * that says why the demonstration could not run. Data lies under `.holdfast/demo/<pid>` in the working folder.
 */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type LocalNode, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { Changes, limit } from './changes.js';
import { Crew } from './crew.js';
import { type Scene, strike, type Tally } from './faults.js';
import { Health } from './health.js';
import { Ledger } from './ledger.js';
import type { Options } from './options.js';
import { pictureOf } from './picture.js';
import { DEPLOYMENT, NODES } from './setting.js';
import { Undo } from './undo.js';
import type { Facts } from './verdict.js';
import type { View } from './view.js';

export interface Outcome {
  readonly facts: Facts;
  readonly tally: Tally;
}

/** How long after the time is over a complete stop of a worker may still be waited for, in ms. */
const EXTENSION = 6_000;

/** What a run has started. */
interface Stage {
  readonly nodes: readonly LocalNode[];
  readonly locks: Locks;
  readonly ledger: Ledger;
  readonly crew: Crew;
  readonly changes: Changes;
}

/** Throws if the demonstration could not run, or as `interrupted` says. */
export async function run(options: Options, view: View, interrupted: AbortSignal): Promise<Outcome> {
  const undo = new Undo();
  try {
    const stage = await build(options, { undo, interrupted, say: (text) => view.say(text) });
    return await play(stage, options, { view, interrupted });
  } finally {
    view.end();
    await undo.all();
  }
}

interface BuildContext {
  readonly undo: Undo;
  readonly interrupted: AbortSignal;
  readonly say: (text: string) => void;
}

async function build({ fenced }: Options, { undo, interrupted, say }: BuildContext): Promise<Stage> {
  const folder = resolve('.holdfast', 'demo', String(process.pid));
  undo.add(() => rm(folder, { recursive: true, force: true }));
  const local = await startNodes(NODES, { folder: join(folder, 'nodes') });
  undo.add(() => local.stop());
  interrupted.throwIfAborted();
  const vault = await startNodes(1, { folder: join(folder, 'ledger') });
  undo.add(() => vault.stop());
  interrupted.throwIfAborted();

  const locks = createLocks({ nodes: local.urls, ...DEPLOYMENT, callTimeout: 300 });
  undo.add(() => locks.close());
  await locks.initialize(); // we have just created the nodes: no lease can exist
  const [ledgerUrl = ''] = vault.urls;
  const ledger = new Ledger(ledgerUrl, { fenced });
  undo.add(() => ledger.close());
  await ledger.initialize();

  const changes = new Changes();
  const crew = new Crew({ nodes: local.urls, ledger: ledgerUrl, fenced }, changes, say);
  undo.add(() => crew.close());
  return { nodes: local.nodes, locks, ledger, crew, changes };
}

interface PlayContext {
  readonly view: View;
  readonly interrupted: AbortSignal;
}

async function play(stage: Stage, options: Options, { view, interrupted }: PlayContext): Promise<Outcome> {
  const { nodes, locks, ledger, crew, changes } = stage;
  const { fenced, seed, workers, duration } = options;
  const ready = await crew.start(workers, limit(30_000, interrupted, crew.broken));
  throwIfEnded(crew, interrupted);
  if (!ready) throw new Error('the workers were not ready within 30 s');

  const health = new Health(nodes, locks, changes);
  await health.look();
  const tally: Tally = { workersStopped: 0, workersKilled: 0, nodesKilled: 0, nodesFrozen: 0 };
  const scene: Scene = { crew, health, changes, tally, say: (text) => view.say(text) };
  const halting = new AbortController();
  const over = limit(duration, interrupted, crew.broken, halting.signal);
  const cutoff = limit(duration + EXTENSION, interrupted, crew.broken, halting.signal);
  view.show(pictureOf(scene, duration));
  await strike(scene, { seed, over, cutoff, halt: () => halting.abort() });
  throwIfEnded(crew, interrupted);

  const finished = await crew.finish(limit(5_000, interrupted, crew.broken));
  throwIfEnded(crew, interrupted);
  if (!finished) throw new Error('the workers did not finish within 5 s');
  const { granted, acknowledged, refused } = crew;
  const facts = { fenced, granted, acknowledged, refused: refused.length, ...(await ledger.readAll()) };
  return { facts, tally };
}

function throwIfEnded(crew: Crew, interrupted: AbortSignal): void {
  interrupted.throwIfAborted();
  crew.broken.throwIfAborted();
}
