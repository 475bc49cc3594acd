/**
 * The part of the port (store.ts) that knows the events of a partition: what happened to its runs.
 */

/** The id of an entry, and its fields and values in turn: "<kind> <run>", and perhaps "d <detail>". */
export type EventEntry = readonly [id: string, fields: readonly string[]];

export type OpenedReader =
  /** `place`: the id of the last event that it has read, "0-0" for none. */
  | { readonly word: 'reader'; readonly token: number; readonly place: string }
  /** In how many ms it may be asked for again. */
  | { readonly word: 'early'; readonly wait: number }
  /** Another has opened it since. */
  | { readonly word: 'stale' };

/** Reads events as they come. */
export interface EventFollower {
  /** What came behind a place; waits for something, and gives nothing if nothing comes for a while. */
  read(place: string, most: number): Promise<readonly EventEntry[]>;
  /** After a read that rejected: resolves when the next may follow, or `signal` aborts. */
  recover(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** How much there is to do. */
export interface WorkflowDemand {
  readonly waiting: number;
  readonly running: number;
  readonly stuck: number;
  /** In ms. */
  readonly oldest: number;
  readonly takeovers: number;
  /** Of those that wait. */
  readonly unserved: number;
  readonly paused: boolean;
}

export interface EventStore {
  /** Of each workflow. */
  demand(workflows: readonly string[]): Promise<readonly WorkflowDemand[]>;
  /** '' for the last event that there is. `isKept`: false if what followed it may be gone. */
  place(id: string): Promise<{ readonly id: string; readonly isKept: boolean }>;
  /** Opens a named reader; under a fresh token if none is given. */
  openReader(reader: string, token: number | undefined): Promise<OpenedReader>;
  /** False if another has opened it since. */
  moveReader(reader: {
    readonly name: string;
    readonly token: number;
    readonly place: string;
  }): Promise<boolean>;
  followEvents(): EventFollower;
}
