/**
 * What the demonstration and its worker processes say to each other, over the IPC channel of `fork`.
 *
 * Guarantees: a worker reports an increment as acknowledged only after the ledger has answered. Messages of one worker
 * arrive in order. A worker that is killed may have written without having said so: then the ledger has more than was
 * acknowledged, never less.
 */

/** What a worker is started with: its one argument, as JSON. */
export interface WorkerTask {
  /** The worker's name, which opens the ids of its increments. */
  readonly name: string;
  /** The lock nodes, as URLs. */
  readonly nodes: readonly string[];
  /** The Redis that keeps the ledger, as a URL. */
  readonly ledger: string;
  /** Whether writes go through the guard. */
  readonly fenced: boolean;
}

export type ToWorker =
  /** Take your time between the next read and the write: a fault is on its way. */
  | { readonly kind: 'linger' }
  /** Finish the increment in hand, then end. */
  | { readonly kind: 'finish' };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'granted'; readonly token: number }
  /** It has read the balance, holds the lease, and has not written yet. */
  | { readonly kind: 'read'; readonly token: number; readonly lingering: boolean }
  /** The ledger has answered that the increment is in it. */
  | { readonly kind: 'acknowledged'; readonly id: string; readonly token: number }
  /** The guard refused: at the seal, before anything was read, or at the write. */
  | { readonly kind: 'refused'; readonly at: 'seal' | 'write'; readonly token: number; readonly seen: number }
  /** Something did not answer; the worker goes on with its next increment. */
  | { readonly kind: 'trouble'; readonly reason: string };
