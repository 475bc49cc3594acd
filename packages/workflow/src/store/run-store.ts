/**
 * What operators ask a partition about its runs, and do to them.
 */
import type { RunRef } from './claim.js';

/** Of a run that is not over, or how it has ended. */
export type RunState =
  | 'waiting'
  | 'delayed'
  | 'running'
  | 'sleeping'
  | 'stuck'
  | 'completed'
  | 'failed'
  | 'cancelled';

const LIVE_STATES = ['waiting', 'delayed', 'running', 'sleeping', 'stuck'] as const;
export const END_STATES = ['completed', 'failed', 'cancelled'] as const;
export const RUN_STATES: readonly RunState[] = [...LIVE_STATES, ...END_STATES];

export interface ListRequest {
  /** '' for any. */
  readonly workflow: string;
  readonly isOver: boolean;
  /** Where to go on; '0' first. */
  readonly from: string;
  /** The most runs; of a place of Redis that has more, there are all. Default: some hundred. */
  readonly most?: number;
  /** Default: any that fits `isOver`. */
  readonly state?: RunState | undefined;
  /** Those that came to their state from then on, and before then, in ms since the epoch. Default: at any time. */
  readonly since?: { readonly earliest: number; readonly latest: number };
}

export interface Listed {
  /** Where to go on; '0' at the end. */
  readonly next: string;
  /** In no order; one may come twice. `since`: in ms since the epoch. */
  readonly runs: readonly { readonly run: string; readonly state: RunState; readonly since: number }[];
}

export interface TerminateRequest extends RunRef {
  /** The text of its last record, before and behind the token. */
  readonly last: readonly [string, string];
  /** The text of the record that its children are told. */
  readonly cancel: string;
  /** For how many ms it is kept. */
  readonly retain: number;
}

export type Terminated =
  | { readonly word: 'terminated' | 'over' | 'unknown' }
  | { readonly word: 'gen'; readonly generation: string }
  /** In how many ms it may be asked for again. */
  | { readonly word: 'early'; readonly wait: number };

export type Purged =
  | { readonly word: 'purged' | 'going' | 'stale' | 'unknown' }
  | { readonly word: 'gen'; readonly generation: string };

/** The token under which it is handed over is above all that its steps had. */
export interface ToArchive extends RunRef {
  readonly token: number;
}

/** How many runs of a workflow there are in each state. */
export type RunCounts = Readonly<Record<RunState, number>>;

export interface RunStore {
  list(request: ListRequest): Promise<Listed>;
  /** Of each workflow. */
  count(workflows: readonly string[]): Promise<readonly RunCounts[]>;
  /** Ends a run at once, whoever has it and wherever it waits, under a token of its own. */
  terminate(request: TerminateRequest): Promise<Terminated>;
  /**
   * Erases all that is kept of a run that is over. `token`: of the archive that it was handed to; "stale" if that was another
   * since.
   */
  purge(run: RunRef & { readonly token?: number }): Promise<Purged>;
  /** Runs that are over and whose time to be kept is too, but for an archive: each is handed over, and again after 5 min. */
  archive(most: number): Promise<readonly ToArchive[]>;
}
