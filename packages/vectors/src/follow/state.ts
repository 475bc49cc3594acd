/** What a follower knows, as a snapshot keeps it. */
import type { Model } from '../truth/builder-verbs.js';
import type { KnownDocument } from './documents.js';

/** What a follower knows, for another one that goes on from there. */
export interface FollowerState {
  readonly epoch: string;
  /** What was written up to here is in it, and maybe more. */
  readonly after: number;
  readonly generation: string;
  readonly model: Model;
  readonly documents: readonly Omit<KnownDocument, 'number'>[];
  readonly leaving: readonly (readonly [id: string, at: number])[];
  readonly waiting: readonly string[];
  readonly unreadable: readonly string[];
}

export interface RestoredVectors {
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  readonly counts: readonly (readonly [id: string, count: number])[];
}
