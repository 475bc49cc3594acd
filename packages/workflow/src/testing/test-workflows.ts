/**
 * Workflows in a test: no server, no waiting. The store is in memory, and time is virtual.
 *
 * The main path: `start` as in a program, then `until`, which lets the worker work and time pass.
 */
import { readOptions, seededRandom } from '@holdfast/kernel';
import { type AnyWorkflow, APP } from '../client/options.js';
import type { Run } from '../client/run.js';
import type { StartOptions } from '../client/start-options.js';
import { App, type Workflows } from '../client/workflows.js';
import type { Workflow } from '../define.js';
import { MemoryPartition } from '../store/memory-partition.js';
import { MemoryStore } from '../store/memory-store.js';
import { VirtualClock } from './virtual-clock.js';

export interface TestWorkflowsOptions {
  readonly workflows: readonly AnyWorkflow[];
  /** Of what is left to chance. Default 1. */
  readonly seed?: number;
}

export interface TestWorkflows {
  /** The app, whose calls resolve while time passes: in `until`, or in `run`. */
  readonly workflows: Workflows;
  /** The virtual time, in ms since the epoch. */
  now(): number;
  /** Starts a run, and lets time pass until it is over. Rejects as `run.result()` does, and if nothing more happens. */
  run<Input, Result>(
    workflow: Workflow<Input, Result>,
    input: Input,
    options?: StartOptions,
  ): Promise<Result>;
  /** Lets the worker work and time pass until `work` settles. Rejects if nothing more happens within a virtual year. */
  until<T>(work: Promise<T>): Promise<T>;
  /** Lets time pass until a run waits for nothing but time or messages, or is over. */
  settled(run: Run): Promise<void>;
}

const YEAR = 366 * 24 * 3_600_000;
/** Sessions end by a crash only, so that renewals do not stand in the way of time. */
export const LEASE = 86_400_000;

/** Throws MisuseError. */
export function testWorkflows(options: TestWorkflowsOptions): TestWorkflows {
  const { seed = 1, ...rest } = options;
  const clock = new VirtualClock();
  const settings = readOptions('testWorkflows', { ...rest, clock, random: seededRandom(seed) }, APP);
  const app = new App([new MemoryStore(clock, new MemoryPartition(clock))], settings);
  app.work({ lease: LEASE });
  const until = <T>(work: Promise<T>): Promise<T> => settle(clock, work, YEAR);
  return {
    workflows: app,
    now: () => clock.now(),
    until,
    run: (workflow, input, given) => until(app.run(workflow, input, given)),
    async settled(run) {
      for (;;) {
        const { status } = await until(run.status());
        if (status !== 'waiting' && status !== 'running') return;
      }
    },
  };
}

/** Lets time pass until `work` settles. */
export async function settle<T>(clock: VirtualClock, work: Promise<T>, limit: number): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  work.then(done, done);
  await clock.until(() => isDone, limit);
  return work;
}
