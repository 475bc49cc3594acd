/**
 * Starts runs and follows each of them: sends the messages that it takes, cancels some, waits for some ends; and at the end
 * helps on all runs that wait for somebody, whichever process has started them.
 */

import { pause, type Random, systemClock, UnavailableError } from '@holdfast/kernel';
import {
  AbortedError,
  type Outcome,
  type Run,
  RunCancelledError,
  RunFailedError,
  RunGoneError,
  type RunState,
  RunStuckError,
  type Workflow,
  type Workflows,
} from '@holdfast/workflow';
import type { Note } from '../traffic/recorder.js';
import { TERMINATED, type WorkflowRecord } from './assignment.js';
import { LOG, MESSAGE } from './function.js';
import { keyOf, type Program, programOf, receiptsOf, stepsIn } from './program.js';

export interface StarterOptions {
  readonly app: Workflows;
  readonly note: Note<WorkflowRecord>;
  readonly random: Random;
  /** Begins the ids of the runs. */
  readonly name: string;
  /** Aborts when no more runs are to be started. */
  readonly finishing: AbortSignal;
}

type Tree = Workflow<Program, unknown>;

const OVER: readonly RunState[] = ['completed', 'failed', 'cancelled'];

/** Runs that are followed at a time, so that an outage does not pile up more. */
const MOST_FOLLOWED = 40;

export class Starter {
  readonly #options: StarterOptions;
  /** Aborts when nobody is to follow a run any more. */
  readonly #over = new AbortController();
  readonly #followed = new Set<Promise<void>>();

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  async start(tree: Tree): Promise<void> {
    const { finishing, name, random } = this.#options;
    for (let n = 0; !finishing.aborted; n += 1) {
      const run = await this.#start(tree, `${name}-${n}`);
      if (run) {
        const followed = Promise.all([this.#follow(run), this.#read(run)]);
        const following = followed.then(() => {}).finally(() => this.#followed.delete(following));
        this.#followed.add(following);
      }
      await pause(systemClock, 250 * random.unit(), finishing);
      while (this.#followed.size >= MOST_FOLLOWED && !finishing.aborted)
        await pause(systemClock, 20, finishing);
    }
  }

  /** Whether nothing is left to do; false if that cannot be found out. */
  async isOver(): Promise<boolean> {
    const counts = await this.#unlessAway(() => this.#options.app.counts());
    if (counts === undefined) return false;
    return counts.waiting + counts.delayed + counts.running + counts.sleeping + counts.stuck === 0;
  }

  /** Sends all messages that runs wait for, and lets those go on that are stuck. */
  async nudge(tree: Tree): Promise<void> {
    const { app, note } = this.#options;
    await this.#unlessAway(async () => {
      for await (const { id, key } of app.list({ workflow: tree, state: 'sleeping' }))
        await this.#sendAll(app.get(tree, id, key === undefined ? {} : { key }));
      for await (const { workflow, id, key } of app.list({ state: 'stuck' })) {
        const run = app.get(workflow, id, key === undefined ? {} : { key });
        const { status, reason } = await run.status();
        if (status !== 'stuck') continue;
        note({ e: 'stuck', run: id, reason: reason ?? '' });
        await run.retry();
      }
    });
  }

  /** For a person: what is not over. */
  async left(): Promise<string> {
    const left: string[] = [];
    await this.#unlessAway(async () => {
      for await (const { id, state } of this.#options.app.list()) {
        if (!OVER.includes(state)) left.push(`${id} is ${state}`);
      }
    });
    return left.slice(0, 5).join(', ');
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#followed);
  }

  /** Undefined if it is not known whether it is started. */
  async #start(tree: Tree, id: string): Promise<Run | undefined> {
    const { app, finishing, note } = this.#options;
    const key = keyOf(id);
    const options = { id, ...(key !== undefined && { key }) };
    const run = await this.#insist(() => app.start(tree, programOf(id), options), finishing);
    if (run) note({ e: 'started', run: id });
    return run;
  }

  async #follow(run: Run): Promise<void> {
    const { random, note } = this.#options;
    const { signal } = this.#over;
    const cancels = random.unit() < 0.1;
    const [before, after] = [300 * random.unit(), 1_500 * random.unit()];
    const [waits, terminates] = [random.unit() < 0.5, random.unit() < 0.4];
    try {
      await pause(systemClock, before, signal);
      await this.#insist(() => this.#sendAll(run), signal);
      if (cancels) {
        await pause(systemClock, after, signal);
        note({ e: 'cancels', run: run.id });
        if (terminates) await this.#terminate(run);
        else await this.#insist(() => run.cancel('the plan'), signal);
      }
      const outcome = waits ? await this.#insist(() => endOf(run, signal), signal) : undefined;
      if (outcome) note({ e: 'told', run: run.id, outcome });
    } catch (error) {
      // Redis has forgotten it: the judge knows whether it may.
      if (!(error instanceof RunGoneError)) throw error;
    }
  }

  async #terminate(run: Run): Promise<void> {
    const isTerminated = await this.#insist(() => run.terminate(TERMINATED), this.#over.signal);
    if (isTerminated) this.#options.note({ e: 'terminated', run: run.id });
  }

  /** Reads what its steps write to its stream, while they do. */
  async #read(run: Run): Promise<void> {
    const { random, note } = this.#options;
    const { id } = run;
    const hasChunks = stepsIn(programOf(id).parts).some(({ body }) => body.chunks > 0);
    if (!hasChunks || random.unit() < 0.5) return;
    try {
      for await (const item of run.stream<string>(LOG, { signal: this.#over.signal }))
        note({ e: 'read', run: id, step: item.step, ...(item.kind === 'chunk' && { chunk: item.chunk }) });
      note({ e: 'read all', run: id });
    } catch (error) {
      if (!(error instanceof AbortedError || error instanceof RunGoneError)) throw error;
    }
  }

  /** Those that it has had before count once. */
  async #sendAll(run: Run): Promise<void> {
    const count = receiptsOf(programOf(run.id));
    for (let n = 0; n < count; n += 1) await run.send(MESSAGE, n, { id: `m${n}` });
  }

  /** Until it is done, or until `signal` aborts: then undefined. */
  async #insist<T>(what: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    while (!signal.aborted) {
      try {
        return await what();
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        await pause(systemClock, 50, signal);
      }
    }
    return undefined;
  }

  /** Undefined if Redis is away, or has forgotten a run meanwhile. */
  async #unlessAway<T>(what: () => Promise<T>): Promise<T | undefined> {
    try {
      return await what();
    } catch (error) {
      if (error instanceof UnavailableError || error instanceof RunGoneError) return undefined;
      throw error;
    }
  }
}

/** How a run has ended; undefined if nobody waits any more, or if it is stuck, which the end of the episode sees to. */
export async function endOf(run: Run, signal?: AbortSignal): Promise<Outcome | undefined> {
  try {
    return { status: 'completed', value: await run.result(signal ? { signal } : {}) };
  } catch (error) {
    if (error instanceof RunFailedError) return { status: 'failed', error: error.reason };
    if (error instanceof RunCancelledError) return { status: 'cancelled', reason: error.reason };
    if (error instanceof RunStuckError || error instanceof AbortedError) return undefined;
    throw error;
  }
}
