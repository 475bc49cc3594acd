/**
 * A thread that carries out runs: it is sent ranges of seeds and answers with their tally.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadSubject } from '../canaries/mutant.js';
import { drawPlan, type Wishes } from '../plan/draw.js';
import { simulate } from './run.js';
import { count, emptyTally } from './tally.js';

export interface WorkerSettings {
  readonly canary: string | undefined;
  readonly wishes: Wishes;
}

export interface Range {
  readonly first: number;
  readonly count: number;
}

// Where an error was made is of no interest in a run that is counted only.
Error.stackTraceLimit = 0;

const { canary, wishes } = workerData as WorkerSettings;
const subject = await loadSubject(canary);

parentPort?.on('message', async (range: Range) => {
  const tally = emptyTally();
  for (let seed = range.first; seed < range.first + range.count; seed += 1) {
    const plan = drawPlan(seed, wishes);
    count(tally, plan, await simulate(plan, { subject }));
  }
  parentPort?.postMessage(tally);
});
parentPort?.postMessage(emptyTally());
