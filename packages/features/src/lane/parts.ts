/** What the parts of a follower share: the lane that it belongs to, and one source partition of it. */
import { type Clock, MisuseError, type Random } from '@holdfast/kernel';
import type { Health } from '@holdfast/redis';
import type { Offset, Source, SourceRecord } from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { Landed, LaneClaim, LaneRefusal, Span } from '../store/verbs.js';
import type { Telemetry } from '../telemetry.js';
import type { LaneHolder, Ownership } from './ownership.js';

/** What a record becomes in one partition of the store. */
export interface Piece {
  readonly partition: number;
  readonly content: unknown;
}

/** A piece of a record, with the offset of that and the trace that it tells of. */
interface SentPiece {
  readonly offset: Offset;
  readonly content: unknown;
  readonly index: number;
  readonly trace: string | undefined;
  /** How many of those that may wait it counts for. */
  readonly weight: number;
}

/** Throws, or rejects, for a record that cannot be read. */
export interface Splitting {
  split(record: SourceRecord): readonly Piece[] | Promise<readonly Piece[]>;
}

/** What records become for one partition, while they are gathered for a call. */
export interface Gathered {
  /** It is sent once it has become as much as `most`. */
  readonly weight: number;
}

/** Gives what is gathered for a partition, undefined if that has the record already. */
export type GatheredFor = (partition: number) => Gathered | undefined;

/** Records that are gathered for a call as they come, instead of being sent piece by piece. */
export interface Gathering {
  make(source: number): Gathered;
  /** Adds what a record becomes. Throws, or rejects, for a record that cannot be read, and has then added nothing. */
  add(record: SourceRecord, of: GatheredFor): void | Promise<void>;
}

/** What one record becomes leaves in one call. */
const MOST_PIECES = 1_000;

/** Throws MisuseError for a record that becomes too many rows or events. */
export function requireFew(pieces: number): void {
  if (pieces <= MOST_PIECES) return;
  throw new MisuseError(
    `A record becomes at most ${MOST_PIECES} rows or events, because they are taken in together; got ${pieces}. Divide it before it comes into the source.`,
  );
}

/** What is sent to one partition: the pieces of some records, and the offsets that they span. */
export interface Parcel {
  readonly partition: Partition;
  readonly claim: LaneClaim;
  readonly span: Span;
  readonly pieces: readonly SentPiece[];
  readonly source: number;
}

/** Gives the right to a source partition, as a lease of that name. */
export type Hold = (
  name: string,
  details: { readonly partition: number; readonly signal: AbortSignal },
) => LaneHolder | Promise<LaneHolder>;

export interface FollowParts {
  readonly source: Source;
  readonly partitions: readonly Partition[];
  readonly generation: string;
  readonly lane: string;
  /** The lane as a whole. */
  readonly ownership: Ownership;
  readonly hold: Hold | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts with the lane. */
  readonly signal: AbortSignal;
  /** How records become pieces: one by one, or gathered. */
  readonly taking: Splitting | Gathering;
  readonly send: (parcel: Parcel) => Promise<Landed | LaneRefusal>;
  readonly view: string;
  readonly telemetry: Telemetry;
  /** How many records that cannot be read are kept as dead letters. */
  readonly deadLetters: number;
  /** Told of each record that was left out, once. Never throws. */
  readonly onUnreadable: (error: unknown, record: SourceRecord) => void;
  /** Pieces that one call carries; a call ends between two records, so it may carry those of one record more. */
  readonly most: number;
  /**
   * Whether somebody waits until partitions for which nothing has come are told how far the source has been taken in; otherwise
   * they are told now and then. Never rejects.
   */
  readonly isAwaited: () => Promise<boolean>;
}

/** A source partition in our hands. */
export interface SourceHand {
  readonly number: number;
  readonly own: Ownership;
  readonly health: Health;
  /** Aborts when nothing more may be sent. */
  readonly signal: AbortSignal;
  /** Called when something has left an outbox. */
  left(): void;
  /** Called when an outbox can go no further. */
  fail(error: unknown): void;
}
