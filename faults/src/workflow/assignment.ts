/**
 * The assignment of a process that starts runs and lets them go on, and the records that it keeps besides those of its
 * guarded writes, which are a history like that of the locks.
 */
import type { Outcome } from '@holdfast/workflow';
import type { Reach } from '../traffic/assignment.js';

export interface WorkflowAssignment {
  /** Unique in the episode: "client.incarnation". */
  readonly name: string;
  readonly seed: number;
  /** The file of its history. */
  readonly history: string;
  readonly reach: Reach;
  /** The store of the ledger, through this client's own link. */
  readonly ledger: string;
  /** Names the episode: begins its ids, its keys in Redis, and its entries in the ledger. */
  readonly episode: string;
  /** How many replicas must have what callers are told; 0: none is asked. */
  readonly replicas: number;
  /** At the end, within which time all runs must be over, in ms. */
  readonly endsWithin: number;
}

/** After how long without a sign of life a worker loses its runs, in ms: clients are frozen for longer. */
export const LEASE = 2_000;
export const APP = 'faults';

/** The reason of a run that was terminated. */
export const TERMINATED = 'terminated';

/** Each episode has an app of its own, whose keys are all in the slot of this one. */
export const SLOT = `{wf:${APP}.0}`;
export const prefixOf = (episode: string): string => `${episode}:`;

/** How often each step's effect was carried out, by run and step. */
export const effectsKey = (episode: string): string => `${prefixOf(episode)}${SLOT}:effects`;
export const effectOf = (run: string, step: string): string => `${run} ${step}`;

/** Times are microseconds on the clock that all processes of the machine share. */
export type WorkflowRecord = { readonly at: number; readonly process: string } & (
  | { readonly e: 'started'; readonly run: string }
  /** Is about to ask that it be cancelled, or to terminate it. */
  | { readonly e: 'cancels'; readonly run: string }
  /** Was told that it is terminated. */
  | { readonly e: 'terminated'; readonly run: string }
  /** Was told its end. */
  | { readonly e: 'told'; readonly run: string; readonly outcome: Outcome }
  /** `valid`: the worker could still rely on the run, a moment after `at`. */
  | {
      readonly e: 'begins';
      readonly run: string;
      readonly step: string;
      readonly token: number;
      readonly valid: boolean;
    }
  | {
      readonly e: 'ends';
      readonly run: string;
      readonly step: string;
      readonly token: number;
      readonly valid: boolean;
      readonly done: boolean;
    }
  /** Was given a chunk of a step; or told, without one, that a step, or all, begins anew. */
  | {
      readonly e: 'read';
      readonly run: string;
      readonly step?: string | undefined;
      readonly chunk?: string;
    }
  /** Has read all. */
  | { readonly e: 'read all'; readonly run: string }
  /** Found it stuck, and lets it go on. */
  | { readonly e: 'stuck'; readonly run: string; readonly reason: string }
);
