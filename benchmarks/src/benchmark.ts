/**
 * The interface of every benchmark of the command line: how it is called, run and ended.
 */
import type { Report } from './harness/report.js';

/** How a benchmark was called. */
export interface Call {
  /** From 1; the median of the rounds is reported. */
  readonly rounds: number;
  /** A few seconds, to see that it runs. */
  readonly quick: boolean;
  /** Which of the workloads are run. */
  readonly workloads: ReadonlySet<string>;
  /** How large the data are, if that was said and the benchmark can be told. */
  readonly size: number | undefined;
  /** How long it goes on, in ms, if that was said and the benchmark can be told. */
  readonly duration: number | undefined;
  /** The commit to compare with, if the benchmark does that. */
  readonly against: string;
  /** The command line, for the report. */
  readonly command: string;
  readonly progress: (message: string) => void;
}

/** A benchmark that was called. */
export interface Run {
  run(): Promise<Report>;
  /** Ends every node and process that was started. May be called at any time, and more than once. */
  stop(): Promise<void>;
}

export interface Benchmark {
  /** One line for the help. */
  readonly about: string;
  readonly workloads: readonly string[];
  /** How many rounds it has unless that is said: fewer where a round takes long. Default 5. */
  readonly rounds?: number;
  /** Starts nothing yet. */
  open(call: Call): Run;
}
