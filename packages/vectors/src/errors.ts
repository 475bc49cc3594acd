/**
 * The errors of indexes of vectors alone; the others are shared by all of Holdfast (docs/ERRORS.md).
 */
import { HoldfastError } from '@holdfast/kernel';

declare module '@holdfast/kernel' {
  interface ErrorCodes {
    HOLDFAST_SNAPSHOT: SnapshotError;
  }
}

/**
 * Why a snapshot was refused: it is none (`foreign`), of a layout that this version does not know (`version`), damaged
 * (`corrupt`), or of an index with other options (`options`).
 */
export type SnapshotReason = 'foreign' | 'version' | 'corrupt' | 'options';

/** Bytes are no snapshot from which the index can be restored. Nothing was restored. */
export class SnapshotError extends HoldfastError {
  override readonly name = 'SnapshotError';
  readonly code = 'HOLDFAST_SNAPSHOT';
  readonly reason: SnapshotReason;

  /** `what` completes "The snapshot cannot be restored: …". */
  constructor(reason: SnapshotReason, what: string, options?: ErrorOptions) {
    super(
      `The snapshot cannot be restored: ${what}. Fill a new index from where the vectors come from.`,
      options,
    );
    this.reason = reason;
  }
}
