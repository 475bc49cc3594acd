/**
 * The source that a lane follows: what is read is checked, and a lane follows one source at a time.
 *
 * Guarantees: what cannot work is a MisuseError that names it, and nothing is followed. What the user's functions throw ends
 * nothing: a record that cannot be read is left out, counted by its reason, and reported.
 */
import {
  AbortedError,
  callback,
  display,
  having,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { reportTo } from '@holdfast/redis';
import { RowError } from '../errors.js';
import type { Source, SourceRecord } from '../source/source.js';
import { type FollowedPartition, Follower } from './follow.js';
import type { FollowParts, Hold } from './parts.js';

export interface FollowLaneOptions {
  /**
   * The holder of a source partition, such as a lease of the name that it is given: "<view>.<generation>:<lane>:<name of the
   * source partition>". It may wait until it has the right, and is asked again where the right is lost; `signal` aborts when
   * that is not wanted any more. The follower gives the right back by `release()`, if the holder has that. Default: the holder
   * of the lane has all; a lane that is shared needs it.
   */
  readonly hold?: Hold;
  /**
   * How many records that cannot be read or stored are kept as dead letters, the latest, 0 to 1000000. `store.deadLetters()`
   * reads them. It holds for each partition of the store, over which the partitions of the source are spread. Default 10000.
   */
  readonly deadLetters?: number;
  /**
   * Told of each record that was left out because it cannot be read or stored. Default: it is counted only. What it throws is
   * a warning.
   */
  readonly onUnreadable?: (error: unknown, record: SourceRecord) => unknown;
}

const FOLLOW = {
  hold: optional(callback<Hold>('a name, which returns a holder')),
  deadLetters: withDefault(whole(0, 1_000_000), 10_000),
  onUnreadable: optional(
    callback<NonNullable<FollowLaneOptions['onUnreadable']>>('an error and a record of the source'),
  ),
} satisfies Readers<FollowLaneOptions>;

const readSource = having<Source>('nameOf', 'extent', 'read');
const readParse = callback<(value: unknown, record: SourceRecord) => unknown>(
  'the value of a record, which returns what it becomes',
);

/** What is counted beside the outcomes of rows. */
export interface FollowStats {
  /** Why records or rows were refused: by the part of a row that is wrong, "parse" if reading it failed. */
  readonly reasons: Readonly<Record<string, number>>;
  /** How far the lane is in each partition of its source; none if it follows none. */
  readonly source: readonly FollowedPartition[];
}

type Parts = Omit<FollowParts, 'source' | 'hold' | 'deadLetters' | 'taking' | 'onUnreadable'>;

/** Reads the value of a record. Throws, or rejects, for one that cannot be read. */
export type ReadRecord = (value: unknown, record: SourceRecord) => unknown;

export class Following {
  readonly #parts: Parts;
  readonly #reasons = new Map<string, number>();
  #follower: Follower | undefined;
  #isFollowing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether a source is or was followed. */
  get hasBegun(): boolean {
    return this.#follower !== undefined;
  }

  /** Whether a source is being followed. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  stats(): FollowStats {
    return { reasons: Object.fromEntries(this.#reasons), source: this.#follower?.partitions ?? [] };
  }

  /** `take` says how records become pieces, by what `parse` makes of them. Throws MisuseError. */
  follow(
    source: Source,
    parse: unknown,
    {
      options,
      take,
      onRefused,
    }: {
      readonly options: FollowLaneOptions;
      readonly take: (read: ReadRecord) => FollowParts['taking'];
      readonly onRefused: () => void;
    },
  ): Follower {
    const { view, lane, ownership, signal, telemetry } = this.#parts;
    const where = `follow() of the lane "${lane}"`;
    readSource('The source that is followed', source);
    requirePartitions(source);
    const read = readParse('The second argument of follow()', parse);
    const { hold, deadLetters, onUnreadable } = readOptions(where, options, FOLLOW);
    if (ownership.isShared && hold === undefined) {
      throw new MisuseError(
        `The lane "${lane}" is shared, so each partition of its source needs a holder; give "hold" to follow().`,
      );
    }
    if (this.#isFollowing) {
      throw new MisuseError(
        `The lane "${lane}" follows a source already; stop that follower first, or follow the other source in another lane.`,
      );
    }
    signal.throwIfAborted();
    const follower = new Follower({
      ...{ ...this.#parts, source, hold, deadLetters },
      taking: take(read),
      onUnreadable: (error, record) => {
        onRefused();
        this.refused(error);
        telemetry.unreadable({ view, lane }, error);
        if (onUnreadable) reportTo((failure) => onUnreadable(failure, record), WARNING)(error);
      },
    });
    this.#follower = follower;
    this.#isFollowing = true;
    const end = (): void => {
      this.#isFollowing = false;
    };
    follower.done().then(end, end);
    return follower;
  }

  /** Counts why something was refused. */
  refused(error: unknown): void {
    const reason = error instanceof RowError ? error.path.replace(/\[.*/, '') : 'parse';
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  /** Resolves when what was read has landed, or `signal` has aborted. Never rejects. */
  async drain(signal: AbortSignal | undefined): Promise<void> {
    await this.#follower?.stop({ signal }).catch(() => {});
  }
}

const WARNING = 'HoldfastFeaturesWarning';

function requirePartitions({ partitions }: Source): void {
  const fit =
    Array.isArray(partitions) &&
    partitions.length > 0 &&
    partitions.every((each) => Number.isInteger(each) && each >= 0 && each <= 65_535) &&
    new Set(partitions).size === partitions.length;
  if (fit) return;
  throw new MisuseError(
    `The partitions of a source are numbers from 0 to 65535, each once; got ${display(partitions)}.`,
  );
}

/** Whether what a record was read as has to be waited for. */
export const isPromise = (read: unknown): read is PromiseLike<unknown> =>
  typeof (read as { readonly then?: unknown } | null | undefined)?.then === 'function';

/** Whoever uses a lane after it was closed is told so. */
export const closedLane = (view: string, lane: string): MisuseError =>
  new MisuseError(`The lane "${lane}" of the view "${view}" is closed; open it again.`);

/** What was under way when a lane was closed, and is given up, may have landed. */
export const abortedLane = (view: string, lane: string): AbortedError =>
  new AbortedError(
    `The lane "${lane}" of the view "${view}" was closed meanwhile; what was on its way may have landed.`,
    'close',
  );

/** Rows without a source do not land in a lane that follows one. */
export const followedLane = (lane: string): MisuseError =>
  new MisuseError(
    `The lane "${lane}" follows a source, so nothing else lands in it; open another lane for rows without a source.`,
  );
