/**
 * The assignment of a process that writes, builds, exports and reads features, and the records that it keeps.
 */
import type { RowOutcome } from '@holdfast/features';
import type { Reach } from '../traffic/assignment.js';

export interface FeaturesAssignment {
  /** Unique in the episode: "client.incarnation". */
  readonly name: string;
  readonly seed: number;
  /** The file of its history. */
  readonly history: string;
  readonly reach: Reach;
  /** The name of the store. */
  readonly store: string;
  /** When the source began, on the clock that all processes of the machine share, in microseconds. */
  readonly began: number;
  /** The event time of all that the source brings, in ms since the epoch. */
  readonly time: number;
  /** Whether a server may forget what it has acknowledged, also that the definitions were applied. */
  readonly mayForget: boolean;
  /** Whether it exports: DuckDB takes a while to load. */
  readonly exports: boolean;
}

export const PARTITIONS = 4;
/** The entities whose rows are landed. */
export const ROWS = 24;
/** The entities whose events are counted. */
export const COUNTED = 12;

/** Times are microseconds on the clock that all processes of the machine share. */
export type FeaturesRecord = {
  readonly at: number;
  readonly process: string;
} /** From now on no lower token lands anything. */ & (
  | { readonly e: 'opened'; readonly token: number }
  /** Before the call. `value` is another for each row. */
  | { readonly e: 'landing'; readonly token: number; readonly rows: readonly SentRow[] }
  /** What became of rows, by their values; left out where that is not known. */
  | { readonly e: 'landed'; readonly token: number; readonly outcomes: Readonly<Record<string, RowOutcome>> }
  | {
      readonly e: 'read';
      /** When the read began. */
      readonly begins: number;
      readonly id: string;
      readonly reason: string | undefined;
      /** The event time. */
      readonly time: number | undefined;
      readonly value: string | undefined;
    }
  /** Something that is counted. */
  | { readonly e: 'did'; readonly what: string; readonly count: number }
);

export interface SentRow {
  readonly id: string;
  readonly time: number;
  readonly value: string;
}
