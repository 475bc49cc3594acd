/**
 * A thread that carries out runs: it is sent ranges of seeds and answers with their tally.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadSubject } from '../canaries/mutant.js';
import type { Wishes } from '../plan/draw.js';
import { type ScenarioName, scenarioOf } from './scenario.js';
import { count, emptyTally } from './tally.js';

export interface WorkerSettings {
  readonly scenario: ScenarioName;
  readonly canary: string | undefined;
  readonly wishes: Wishes;
}

export interface Range {
  readonly first: number;
  readonly count: number;
}

// Where an error was made is of no interest in a run that is counted only.
Error.stackTraceLimit = 0;

const { scenario: name, canary, wishes } = workerData as WorkerSettings;
const scenario = scenarioOf(name);
const subject = await loadSubject(canary);

parentPort?.on('message', async (range: Range) => {
  const tally = emptyTally();
  for (let seed = range.first; seed < range.first + range.count; seed += 1) {
    const plan = scenario.draw(seed, wishes);
    count(tally, plan, await scenario.run(plan, { subject }));
  }
  parentPort?.postMessage(tally);
});
parentPort?.postMessage(emptyTally());
