/**
 * The errors of indexes of vectors alone; the others are shared by all of Holdfast (docs/ERRORS.md).
 */
import { HoldfastError } from '@holdfast/kernel';

declare module '@holdfast/kernel' {
  interface ErrorCodes {
    HOLDFAST_SNAPSHOT: SnapshotError;
    HOLDFAST_PLACE_LOST: PlaceLostError;
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

/**
 * The place that a search was to see belongs to an earlier epoch: the server that had it was replaced by one that may have
 * forgotten what was written. To repeat the search does not help: write it again if it is not there, and search after the place of
 * that.
 */
export class PlaceLostError extends HoldfastError {
  override readonly name = 'PlaceLostError';
  readonly code = 'HOLDFAST_PLACE_LOST';
  /** How far this process has applied the present epoch. */
  readonly place: string;

  constructor(message: string, { place }: { readonly place: string }) {
    super(message);
    this.place = place;
  }
}
