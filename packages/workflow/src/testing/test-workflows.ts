/**
 * Workflows in a test: no server, no waiting. The store is in memory, and time is virtual.
 *
 * The main path: `start` as in a program, then `until`, which lets the worker work and time pass.
 */
import { type Clock, readOptions, seededRandom } from '@holdfast/kernel';
import { type AnyWorkflow, APP } from '../client/options.js';
import type { Run } from '../client/run.js';
import type { StartOptions } from '../client/start-options.js';
import { App, type Workflows } from '../client/workflows.js';
import type { Workflow } from '../define.js';
import { MemoryPartition } from '../store/memory-partition.js';
import { MemoryStore } from '../store/memory-store.js';
import type { Archive } from '../worker/archiver.js';
import { Gate, gatedClock } from './gate.js';
import { VirtualClock } from './virtual-clock.js';

export interface TestWorkflowsOptions {
  readonly workflows: readonly AnyWorkflow[];
  /** Of what is left to chance. Default 1. */
  readonly seed?: number;
  /** As of `createWorkflows`. */
  readonly retain?: number;
  readonly archive?: Archive;
  /** As of `work`. */
  readonly onError?: (error: unknown) => unknown;
}

/** A worker in a process of its own. */
export interface TestWorker {
  /** Why it does not work; undefined while it does. */
  readonly problem: string | undefined;
  /** Runs that it has now. */
  readonly inFlight: number;
  /**
   * As by SIGSTOP: none of its calls arrives, and it hears of nothing. Its lease, a day, goes on: then another worker may
   * have its runs.
   */
  freeze(): void;
  /** It goes on where it was: what it was about to commit is committed now, or refused. */
  thaw(): void;
}

export interface TestWorkflows {
  /** The first worker. */
  readonly worker: TestWorker;
  /** One more. */
  addWorker(): TestWorker;
  /** The app, whose calls resolve while time passes: in `until`, or in `run`. */
  readonly workflows: Workflows;
  /** The Redis commands that steps have asked for with `step.effect`, in their order: there is no Redis to carry them out. */
  readonly effects: readonly (readonly string[])[];
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
  /** Lets `ms` milliseconds pass, and the workers work meanwhile. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until a run waits for nothing but time or messages, is stuck, or is over. Rejects if it never does. */
  settled(run: Run): Promise<void>;
}

const YEAR = 366 * 24 * 3_600_000;
/** Sessions end by a crash only, so that renewals do not stand in the way of time. */
export const LEASE = 86_400_000;

/** Throws MisuseError. */
export function testWorkflows(options: TestWorkflowsOptions): TestWorkflows {
  const { seed = 1, onError, ...rest } = options;
  const clock = new VirtualClock();
  const partition = new MemoryPartition(clock);
  let apps = 0;
  const appOn = (its: Clock): App => {
    const random = seededRandom(seed * 1_000 + apps);
    apps += 1;
    const settings = readOptions('testWorkflows', { ...rest, clock: its, random }, APP);
    return new App([new MemoryStore(its, partition)], settings);
  };
  const addWorker = (): TestWorker => {
    const gate = new Gate();
    const worker = appOn(gatedClock(clock, gate)).work({ lease: LEASE, ...(onError && { onError }) });
    return {
      get problem() {
        return worker.problem;
      },
      get inFlight() {
        return worker.inFlight;
      },
      freeze: () => gate.shut(),
      thaw: () => gate.open(),
    };
  };
  const app = appOn(clock);
  const until = <T>(work: Promise<T>): Promise<T> => settle(clock, work, YEAR);
  return {
    workflows: app,
    effects: partition.writes,
    worker: addWorker(),
    addWorker,
    now: () => clock.now(),
    until,
    pass: (ms) => clock.pass(ms),
    run: (workflow, input, given) => until(app.run(workflow, input, given)),
    async settled(run) {
      for (let wait = 0; wait < YEAR; wait = 2 * wait + 1) {
        await clock.pass(wait);
        const { status } = await until(run.status());
        if (status !== 'waiting' && status !== 'running') return;
      }
      throw new Error(`the run "${run.id}" of "${run.workflow}" does not come to rest within a virtual year`);
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
