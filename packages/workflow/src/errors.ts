/**
 * The errors that are the workflow engine's own; the others are those of all of Holdfast (docs/ERRORS.md).
 */
import { HoldfastError } from '@holdfast/kernel';
import type { KeptError } from './journal/record.js';

declare module '@holdfast/kernel' {
  interface ErrorCodes {
    HOLDFAST_STEP_FAILED: StepFailedError;
    HOLDFAST_UNKNOWN_OUTCOME: UnknownOutcomeError;
    HOLDFAST_UNANSWERED: UnansweredError;
    HOLDFAST_RUN_FAILED: RunFailedError;
    HOLDFAST_RUN_CANCELLED: RunCancelledError;
    HOLDFAST_RUN_STUCK: RunStuckError;
    HOLDFAST_RUN_GONE: RunGoneError;
    HOLDFAST_LONG_JOURNAL: LongJournalError;
    HOLDFAST_BUDGET_EXCEEDED: BudgetExceededError;
    HOLDFAST_NONDETERMINISTIC: NondeterminismError;
    HOLDFAST_RUNS_FULL: RunsFullError;
  }
}

/** Of a step that has failed for good: what `ctx.step` rejects with, live and in every replay. */
export class StepFailedError extends HoldfastError {
  override readonly name = 'StepFailedError';
  readonly code = 'HOLDFAST_STEP_FAILED';
  readonly step: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** What the last attempt threw. */
  readonly reason: KeptError;

  constructor(failed: { readonly name: string; readonly attempt: number; readonly error: KeptError }) {
    super(
      `The step "${failed.name}" failed in attempt ${failed.attempt}, and is not tried again: ${failed.error.message}`,
    );
    this.step = failed.name;
    this.attempts = failed.attempt;
    this.reason = failed.error;
  }
}

/** Of a call of `ctx.once` whose body had begun, and of which nobody knows whether it was carried out: it is not begun again. */
export class UnknownOutcomeError extends HoldfastError {
  override readonly name = 'UnknownOutcomeError';
  readonly code = 'HOLDFAST_UNKNOWN_OUTCOME';
  readonly step: string;

  constructor({ name, error }: { readonly name: string; readonly error: KeptError }) {
    super(
      `It is not known whether "${name}" was carried out: ${error.message}. It is not begun again: find out what it did, and go on from there.`,
    );
    this.step = name;
  }
}

/** A run that was asked has not answered: in time, or before it ended. With an id, the question may be asked again. */
export class UnansweredError extends HoldfastError {
  override readonly name = 'UnansweredError';
  readonly code = 'HOLDFAST_UNANSWERED';
  readonly workflow: string;
  readonly id: string;
  readonly reason: string;

  constructor(asked: {
    readonly workflow: string;
    readonly id: string;
    readonly message: string;
    readonly reason: string;
  }) {
    super(
      `The run "${asked.id}" of "${asked.workflow}" has not answered "${asked.message}": ${asked.reason}.`,
    );
    this.workflow = asked.workflow;
    this.id = asked.id;
    this.reason = asked.reason;
  }
}

/** A run that was waited for has failed: its function threw. */
export class RunFailedError extends HoldfastError {
  override readonly name = 'RunFailedError';
  readonly code = 'HOLDFAST_RUN_FAILED';
  readonly workflow: string;
  readonly id: string;
  /** What its function threw. */
  readonly reason: KeptError;

  constructor({ workflow, id, reason }: { workflow: string; id: string; reason: KeptError }) {
    super(`The run "${id}" of "${workflow}" has failed: ${reason.message}`);
    this.workflow = workflow;
    this.id = id;
    this.reason = reason;
  }
}

/** A run that was waited for was cancelled. */
export class RunCancelledError extends HoldfastError {
  override readonly name = 'RunCancelledError';
  readonly code = 'HOLDFAST_RUN_CANCELLED';
  readonly workflow: string;
  readonly id: string;
  readonly reason: string;

  constructor({ workflow, id, reason }: { workflow: string; id: string; reason: string }) {
    super(`The run "${id}" of "${workflow}" was cancelled: ${reason}`);
    this.workflow = workflow;
    this.id = id;
    this.reason = reason;
  }
}

/** A run that was waited for cannot go on by itself. It is not over: mend what `reason` names, then call `retry`. */
export class RunStuckError extends HoldfastError {
  override readonly name = 'RunStuckError';
  readonly code = 'HOLDFAST_RUN_STUCK';
  readonly workflow: string;
  readonly id: string;
  readonly reason: string;

  constructor({ workflow, id, reason }: { workflow: string; id: string; reason: string }) {
    super(`The run "${id}" of "${workflow}" is stuck: ${reason}. Mend that, then call retry() on the run.`);
    this.workflow = workflow;
    this.id = id;
    this.reason = reason;
  }
}

/** There is no such run: it was never started, or it is over and was not kept any longer. */
export class RunGoneError extends HoldfastError {
  override readonly name = 'RunGoneError';
  readonly code = 'HOLDFAST_RUN_GONE';
  readonly workflow: string;
  readonly id: string;

  constructor({ workflow, id }: { workflow: string; id: string }) {
    super(`There is no run "${id}" of "${workflow}": it was never started, or is over and no longer kept.`);
    this.workflow = workflow;
    this.id = id;
  }
}

/** Code and history of a run contradict each other: of `checkHistory`. A run of which a worker finds that out is stuck. */
export class NondeterminismError extends HoldfastError {
  override readonly name = 'NondeterminismError';
  readonly code = 'HOLDFAST_NONDETERMINISTIC';
  readonly workflow: string;
  readonly id: string;
  readonly reason: string;

  constructor({ workflow, id, reason }: { workflow: string; id: string; reason: string }) {
    super(`The function of "${workflow}" does not do what the run "${id}" has done: ${reason}.`);
    this.workflow = workflow;
    this.id = id;
    this.reason = reason;
  }
}

/** As many runs of the workflow wait as may. Nothing was started: start it again after `retryAfter`. */
export class RunsFullError extends HoldfastError {
  override readonly name = 'RunsFullError';
  readonly code = 'HOLDFAST_RUNS_FULL';
  readonly workflow: string;
  /** The limit `waiting` that is kept, or the share of it that the run's partition has. */
  readonly max: number;
  /** By when there may be room again, in ms, as far as can be told. */
  readonly retryAfter: number;

  constructor({ workflow, max, retryAfter }: { workflow: string; max: number; retryAfter: number }) {
    super(
      `The workflow "${workflow}" is full (${max} runs wait); the run was not started. Start it again in ${retryAfter} ms.`,
    );
    this.workflow = workflow;
    this.max = max;
    this.retryAfter = retryAfter;
  }
}

interface Spent {
  readonly tokens: number;
  readonly cost: number;
}

/** A run has spent what it may on models: a call that would have begun was not made. */
export class BudgetExceededError extends HoldfastError {
  override readonly name = 'BudgetExceededError';
  readonly code = 'HOLDFAST_BUDGET_EXCEEDED';
  readonly used: Spent;
  readonly limit: Spent;

  constructor({ used, limit }: { readonly used: Spent; readonly limit: Spent }) {
    super(
      `The run has spent its budget: it has used ${used.tokens} tokens of ${limit.tokens}, at a cost of ${used.cost} of ${limit.cost}. Raise the budget, then retry the run.`,
    );
    this.used = used;
    this.limit = limit;
  }
}

/**
 * The journal of a run is long: from 10,000 records or 8 MB on, its worker is told; at 50,000 or 64 MB, the run is stuck.
 */
export class LongJournalError extends HoldfastError {
  override readonly name = 'LongJournalError';
  readonly code = 'HOLDFAST_LONG_JOURNAL';
  readonly run: string;
  readonly records: number;
  /** In characters. */
  readonly size: number;

  constructor({ run, records, size }: { run: string; records: number; size: number }) {
    super(
      `The journal of the run "${run}" has ${records} records of ${size} characters; 50,000 and 64 MB are the most. Let its function go on with ctx.continueAs, or loop with ctx.loop; keep large values elsewhere.`,
    );
    this.run = run;
    this.records = records;
    this.size = size;
  }
}
