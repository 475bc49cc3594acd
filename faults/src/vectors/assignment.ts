/**
 * The assignment of a process that writes documents of an index of vectors and searches them, and the records that it keeps.
 */
import type { Reach } from '../traffic/assignment.js';
import type { Making } from './definitions.js';

export interface VectorsAssignment extends Making {
  /** Unique in the episode: "client.incarnation". */
  readonly name: string;
  readonly seed: number;
  /** The file of its history. */
  readonly history: string;
  readonly reach: Reach;
  /** The name of the index. */
  readonly index: string;
  /** How many processes there are. */
  readonly clients: number;
}

/** What a document is found with. */
export interface FoundRecord {
  readonly id: string;
  /** Of the write that it is of. */
  readonly value: string;
  /** Its event time, in ms since the epoch. */
  readonly time: number;
  readonly score: number;
}

export interface SentWrite {
  readonly word: 'put' | 'delete';
  readonly id: string;
  /** Another for each write; its vectors follow from it. */
  readonly value: string;
  readonly time: number;
  /** 0 for none. */
  readonly token: number;
}

/** Times are microseconds on the clock that all processes of the machine share. */
export type VectorsRecord = {
  readonly at: number;
  readonly process: string;
} /** Before the call. */ & (
  | ({ readonly e: 'writing' } & SentWrite)
  | { readonly e: 'written'; readonly value: string; readonly outcome: string; readonly place: string }
  | {
      readonly e: 'found';
      /** The place after which was searched; undefined for none. */
      readonly after: string | undefined;
      readonly place: string;
      /** From which the vector of the query follows. */
      readonly query: number;
      readonly hits: readonly FoundRecord[];
    }
  /** A generation of another model is live. */
  | { readonly e: 'cut'; readonly place: string }
  /** All that a process knows when nobody writes any more. */
  | { readonly e: 'ends'; readonly hits: readonly FoundRecord[] }
  /** Something that is counted. */
  | { readonly e: 'did'; readonly what: string }
);
