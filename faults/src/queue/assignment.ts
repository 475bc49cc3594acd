/**
 * The assignment of a process that adds and handles tasks, and the records that it keeps.
 */
import type { Reach } from '../traffic/assignment.js';

export interface QueueAssignment {
  /** Unique in the episode: "client.incarnation". */
  readonly name: string;
  readonly seed: number;
  /** The file of its history. */
  readonly history: string;
  readonly reach: Reach;
  /** The name of the queue. */
  readonly queue: string;
  /** How many replicas must have a task that is added. */
  readonly replicas: number;
  /** At the end, within which time all tasks must have ended, in ms. */
  readonly endsWithin: number;
}

/** How long a delivery may go without renewal, in ms: clients are frozen for longer. */
export const LEASE = 2_000;

/** Times are microseconds on the clock that all processes of the machine share. */
export type QueueRecord = { readonly at: number; readonly process: string } & (
  | { readonly e: 'added'; readonly id: string; readonly key: string | undefined }
  /** Not known whether it was added. */
  | { readonly e: 'unsure'; readonly id: string }
  | { readonly e: 'begins'; readonly id: string; readonly token: number; readonly attempt: number }
  /** `valid`: its worker could still rely on it. */
  | {
      readonly e: 'ends';
      readonly id: string;
      readonly token: number;
      readonly valid: boolean;
      readonly done: boolean;
    }
);

export const effectsKey = (queue: string): string => `{queue:${queue.split('@')[0]}}:effects:${queue}`;
