/**
 * The records that a client keeps of its operations: a line before each, and one with its result.
 *
 * An operation without a result stays open for ever: its process was killed, so it may or may not have happened.
 */

/** One line of a history. Times are microseconds of the machine's monotonic clock, shared by all its processes. */
export type HistoryEvent =
  | {
      readonly at: number;
      readonly process: string;
      readonly id: string;
      readonly type: 'invoke';
      readonly operation: Operation;
    }
  | {
      readonly at: number;
      readonly process: string;
      readonly id: string;
      readonly type: 'ok';
      readonly result: Result;
    }
  /** Certainly no effect: busy, lost, stale, misuse. */
  | {
      readonly at: number;
      readonly process: string;
      readonly id: string;
      readonly type: 'refused';
      readonly error: string;
    }
  /** May or may not have happened. */
  | {
      readonly at: number;
      readonly process: string;
      readonly id: string;
      readonly type: 'unknown';
      readonly error: string;
    };

export type Operation =
  | {
      readonly f: 'acquire';
      readonly kind: 'exclusive' | 'shared' | 'permit';
      readonly resource: string;
      readonly ttl: number;
    }
  /** `lease` is the id of the operation that acquired it. */
  | { readonly f: 'extend'; readonly lease: string; readonly resource: string; readonly ttl: number }
  | { readonly f: 'release'; readonly lease: string; readonly resource: string }
  | { readonly f: 'write'; readonly lease: string; readonly resource: string; readonly token: number };

export interface Result {
  readonly token?: number;
  /** Until when the holder may rely on it, on the same clock as `at`. */
  readonly validUntil?: number;
  readonly how?: 'kept' | 'resumed';
}
