/**
 * The ways in which `holdfast` ends: the only table of its exit codes, and which error becomes which.
 *
 * Guarantees: every error of Holdfast has a code here, checked by the compiler. An error that is not one of Holdfast's
 * becomes `internal`: it is a defect, not a state of the deployment.
 */
import { constants } from 'node:os';
import { type ErrorCode, HoldfastError, MisuseError } from '@holdfast/kernel';

/** Those of sysexits(3) if one fits, and those of a POSIX shell for the program that `run` starts. */
export const EXIT = {
  ok: 0,
  /** `doctor` has found that something is wrong. */
  findings: 1,
  /** `workflow`, `features`: the run or generation was not in a state in which that could be done, or not all of it was. */
  undone: 1,
  /** EX_USAGE: the command line or the configuration is wrong. */
  usage: 64,
  /** EX_UNAVAILABLE: too few nodes could answer or vote. */
  unavailable: 69,
  /** EX_SOFTWARE: a defect of Holdfast. */
  internal: 70,
  /** EX_IOERR: the output could not be written. */
  output: 74,
  /** EX_TEMPFAIL: somebody else holds the lease. */
  busy: 75,
  /** The lease was lost while the program ran, and the program was stopped. */
  lost: 76,
  notExecutable: 126,
  notFound: 127,
  /** Plus the number of the signal that ended the program, or `holdfast` itself. */
  signalBase: 128,
} as const;

const BY_ERROR: Readonly<Record<ErrorCode, number>> = {
  HOLDFAST_BUSY: EXIT.busy,
  HOLDFAST_UNAVAILABLE: EXIT.unavailable,
  HOLDFAST_LEASE_LOST: EXIT.lost,
  HOLDFAST_STALE_TOKEN: EXIT.lost,
  HOLDFAST_MISUSE: EXIT.usage,
  HOLDFAST_ABORTED: EXIT.signalBase + constants.signals.SIGINT,
  HOLDFAST_QUEUE_FULL: EXIT.busy,
  HOLDFAST_TASK_FAILED: EXIT.internal,
  HOLDFAST_RESULT_NOT_KEPT: EXIT.internal,
  HOLDFAST_TASK_GONE: EXIT.internal,
  HOLDFAST_TASK_CANCELLED: EXIT.undone,
  HOLDFAST_TASK_TIMEOUT: EXIT.undone,
  HOLDFAST_UNKNOWN_KIND: EXIT.undone,
  HOLDFAST_LATCH_GONE: EXIT.undone,
  HOLDFAST_NON_RETRYABLE: EXIT.internal,
  HOLDFAST_RUN_FAILED: EXIT.undone,
  HOLDFAST_RUN_CANCELLED: EXIT.undone,
  HOLDFAST_RUN_STUCK: EXIT.undone,
  HOLDFAST_RUN_GONE: EXIT.usage,
  HOLDFAST_RUNS_FULL: EXIT.busy,
  HOLDFAST_UNANSWERED: EXIT.internal,
  HOLDFAST_STEP_FAILED: EXIT.internal,
  HOLDFAST_UNKNOWN_OUTCOME: EXIT.internal,
  HOLDFAST_LONG_JOURNAL: EXIT.internal,
  HOLDFAST_BUDGET_EXCEEDED: EXIT.internal,
  HOLDFAST_NONDETERMINISTIC: EXIT.internal,
  HOLDFAST_CODEC: EXIT.usage,
  HOLDFAST_ROW: EXIT.usage,
  HOLDFAST_DEFINITION_MISMATCH: EXIT.usage,
  HOLDFAST_GENERATION_ENDED: EXIT.undone,
  HOLDFAST_SOURCE_LOST: EXIT.undone,
  HOLDFAST_SOURCE: EXIT.undone,
  HOLDFAST_INCOMPLETE: EXIT.undone,
  HOLDFAST_SNAPSHOT: EXIT.usage,
  HOLDFAST_PLACE_LOST: EXIT.undone,
  HOLDFAST_UNAUTHENTICATED: EXIT.usage,
  HOLDFAST_FORBIDDEN: EXIT.usage,
  HOLDFAST_QUOTA_EXCEEDED: EXIT.busy,
  HOLDFAST_NOT_FOUND: EXIT.usage,
  HOLDFAST_RATE_LIMITED: EXIT.busy,
  HOLDFAST_INTERNAL: EXIT.internal,
};

/** The command line is wrong. `command` is the one whose help explains it; undefined for the top level. */
export class UsageError extends MisuseError {
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}

/** A failure that is not one of Holdfast's own errors, with its exit code. */
export class ExitError extends Error {
  readonly exitCode: number;
  readonly code: string;

  constructor(message: string, how: { readonly exitCode: number; readonly code: string }) {
    super(message);
    this.exitCode = how.exitCode;
    this.code = how.code;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  return error instanceof HoldfastError ? BY_ERROR[error.code] : EXIT.internal;
}

/** That of an error which is known by its code alone, as a server answers it; undefined for another code. */
export const exitCodeOfCode = (code: string): number | undefined =>
  (BY_ERROR as Readonly<Record<string, number>>)[code];

/** The stable code that `--json` shows. */
export function codeOf(error: unknown): string {
  return error instanceof ExitError || error instanceof HoldfastError ? error.code : 'HOLDFAST_INTERNAL';
}

/** How a shell reports a program that a signal ended: 128 + its number. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return EXIT.signalBase + constants.signals[signal];
}
