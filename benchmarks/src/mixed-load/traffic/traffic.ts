/** What the kinds of traffic share: how they are begun and judged, and where they say what is wrong. */
import type { Client } from '@holdfast/client';

/** Something that should not be. */
export interface Complaint {
  readonly what: string;
  /** Of something that is gone: when it was acknowledged, as performance.now() has it. A power failure after that explains it. */
  readonly acknowledged?: number;
}

export interface Stage {
  readonly client: Client;
  /** The data Redis. */
  readonly redis: string;
  /** Changes when a restart of it begins and ends: a place in an index means nothing in another phase. */
  readonly phase: () => number;
  /** From 0 to 1. */
  readonly unit: () => number;
  /** Aborts when nothing new is to be begun. */
  readonly ending: AbortSignal;
  readonly complain: (complaint: Complaint) => void;
}

export interface Traffic {
  readonly name: string;
  /** Prepares what it needs, before there is any. */
  open(): Promise<void>;
  /** Resolves when `ending` has aborted and all that was under way has ended. */
  run(): Promise<void>;
  /** Compares what was acknowledged with what the servers and stores have now. Resolves to what was acknowledged, counted. */
  judge(): Promise<Readonly<Record<string, number>>>;
  close?(): Promise<void>;
}
