/**
 * The part of the port (store.ts) that knows the streams of runs.
 */
import type { Claim, RunRef } from './claim.js';

export interface AppendRequest extends Claim {
  readonly stream: string;
  /** The place of the step in the function. */
  readonly step: string;
  /** The token of the attempt that writes. */
  readonly attempt: number;
  /** Of the first chunk, among those of the attempt. */
  readonly index: number;
  /** At most 100. */
  readonly chunks: readonly string[];
}

/**
 * "stale": the run is not owned so, or a later attempt of the step has written. "gap": `count` is below the index.
 */
export interface Appended {
  readonly word: 'appended' | 'gap' | 'stale' | 'epoch';
  /** How many chunks are of the attempt. */
  readonly count: number;
}

export interface ChunksRequest extends RunRef {
  readonly stream: string;
  /** How many entries the reader has passed. */
  readonly passed: number;
  /** The first line of the last of them; '' for none. */
  readonly head: string;
  /** To which it is told once that there is more, if this brings all that there is; '' for none. */
  readonly mailbox: string;
}

export type Chunks =
  | { readonly word: 'unknown' }
  /** The run is of another generation. */
  | { readonly word: 'gen'; readonly generation: string }
  | {
      /** "more": the stream has more than this brings. "over": the run is, and nothing follows. */
      readonly word: 'more' | 'open' | 'over';
      /** As the reader said, or 0 if the stream is another than the reader has seen. */
      readonly passed: number;
      /** The token of the latest attempt that has written, by step. */
      readonly latest: ReadonlyMap<string, number>;
      /** "c <token> <index> <step>\n<chunk>", or "r <token> <step>" where an attempt follows another. */
      readonly entries: readonly string[];
    };

export interface StreamStore {
  append(request: AppendRequest): Promise<Appended>;
  chunks(request: ChunksRequest): Promise<Chunks>;
}
