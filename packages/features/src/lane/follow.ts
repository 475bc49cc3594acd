/**
 * A lane that follows a source: what its records become lands together with the offset up to which they go.
 *
 * Guarantees: each record is taken in once in every partition of the store, whatever is repeated, lost or killed, because the
 * offset is stored by the call that stores the rows, and a call that does not continue where the partition stands is refused.
 * A follower begins at the lowest offset of all partitions, and each drops what it has. A record that cannot be read is
 * reported and counted, and the others go on. A source that has lost what was not taken in yet ends the follower with a
 * SourceLostError. While Redis or the source is away, the follower tries again, and `problem` says why it does not go on.
 * Where each source partition has a holder of its own, whoever loses one goes on with the others.
 */
import { StaleTokenError } from '@holdfast/fence';
import {
  AbortedError,
  BusyError,
  HoldfastError,
  onAbort,
  requireClaim,
  UnavailableError,
} from '@holdfast/kernel';
import { Health } from '@holdfast/redis';
import { SourceError } from '../errors.js';
import type { Extent, Offset } from '../source/source.js';
import type { LaneHolder, Ownership } from './ownership.js';
import type { FollowParts } from './parts.js';
import { Pass } from './pass.js';

export interface StopOptions {
  /** Gives up what is on its way when it aborts: it is taken in again by whoever follows next. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a follower is in one partition of its source. */
export interface FollowedPartition {
  readonly partition: number;
  /** What it is called where it lies. */
  readonly name: string;
  /** The source has been taken in up to here; undefined if that is not known yet, or nothing was. */
  readonly through: Offset | undefined;
  /** The highest offset that the source is known to have; undefined if that is not known. */
  readonly last: Offset | undefined;
  /** How far the first part of `through` is behind that of `last`: ms of a Redis stream, records of Kafka. */
  readonly lag: number | undefined;
  /** Rows or events that are on their way. */
  readonly inFlight: number;
  /** Why it does not go on; undefined if it does. */
  readonly problem: string | undefined;
}

export class Follower implements AsyncDisposable {
  readonly #signal: AbortSignal;
  readonly #stopping = new AbortController();
  readonly #ending = new AbortController();
  readonly #partitions: readonly PartitionFollower[];
  readonly #done: Promise<void>;

  /** Use lane.follow(). */
  constructor(parts: FollowParts) {
    const { source, signal } = parts;
    this.#signal = signal;
    const leave = onAbort(signal, () => this.#ending.abort(signal.reason));
    if (signal.aborted) this.#ending.abort(signal.reason);
    const signals = { stopping: this.#stopping.signal, ending: this.#ending.signal };
    this.#partitions = source.partitions.map((each) => new PartitionFollower(parts, each, signals));
    this.#done = Promise.all(this.#partitions.map((each) => each.run()))
      .then(() => {})
      .finally(() => {
        leave();
        // One that fails ends the others.
        this.#stopping.abort();
      });
    this.#done.catch((error: unknown) => this.#ending.abort(error)); // whoever asks is told
  }

  /** Why a partition of the source is not followed just now; undefined while all are. */
  get problem(): string | undefined {
    return this.partitions.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  get partitions(): readonly FollowedPartition[] {
    return this.#partitions.map((each) => each.state());
  }

  /**
   * Resolves when the follower was stopped, or the source has come to its end. Throws StaleTokenError, GenerationEndedError,
   * SourceLostError, SourceError, MisuseError, or the reason for which the lane's signal aborted.
   */
  async done(): Promise<void> {
    await this.#done;
    this.#signal.throwIfAborted();
  }

  /** Lands what was read, tells all partitions how far that went, and reads nothing more. Throws as `done`, and AbortedError once `signal` aborts. */
  async stop({ signal }: StopOptions = {}): Promise<void> {
    this.#stopping.abort();
    const giveUp = (): void => {
      const words = 'The follower was stopped before all that it had read was landed; it is taken in again.';
      this.#ending.abort(new AbortedError(words, signal?.reason));
    };
    const leave = onAbort(signal, giveUp);
    if (signal?.aborted) giveUp();
    try {
      await this.done();
    } finally {
      leave();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

interface Signals {
  /** Nothing more is to be read. */
  readonly stopping: AbortSignal;
  /** Nothing more may be sent. */
  readonly ending: AbortSignal;
}

class PartitionFollower {
  readonly #parts: FollowParts;
  readonly #number: number;
  readonly #name: string;
  readonly #signals: Signals;
  readonly #health: Health;
  #pass: Pass | undefined;
  #last: Offset | undefined;
  #through: Offset | undefined;

  constructor(parts: FollowParts, number: number, signals: Signals) {
    this.#parts = parts;
    this.#number = number;
    this.#name = parts.source.nameOf(number);
    this.#signals = signals;
    // A failure is told by `problem`, and by the error of `done` if it is for good.
    this.#health = new Health({ clock: parts.clock, random: parts.random }, () => {});
  }

  state(): FollowedPartition {
    const through = this.#pass?.landed ?? this.#through;
    const last = this.#last;
    return {
      ...{ partition: this.#number, name: this.#name, through, last },
      lag: last && Math.max(0, last[0] - (through?.[0] ?? 0)),
      inFlight: this.#pass?.waiting ?? 0,
      problem: this.#health.problem,
    };
  }

  /** Takes the source partition in hand, again and again where it has a holder of its own. */
  async run(): Promise<void> {
    const { hold } = this.#parts;
    const { stopping } = this.#signals;
    while (!stopping.aborted) {
      const holder = hold && (await this.#patiently(() => this.#held()));
      if (hold !== undefined && holder === undefined) return;
      const right = rightOf(holder, this.#signals.ending);
      try {
        await this.#followUnder(holder, right.signal);
        return;
      } catch (error) {
        // Somebody else has this one; the others go on, and it may come back.
        if (holder === undefined || !right.isOver(error)) {
          if (error instanceof StaleTokenError) this.#parts.ownership.end(error);
          throw error;
        }
        this.#health.failed(error);
        await this.#health.pause(1, stopping);
      } finally {
        right.leave();
        await release(holder);
      }
    }
  }

  async #followUnder(holder: LaneHolder | undefined, signal: AbortSignal): Promise<void> {
    const { ownership } = this.#parts;
    const own = ownership.ofSource({ number: this.#number, name: this.#name, holder });
    const { stopping } = this.#signals;
    let isToBeRead = true;
    while (isToBeRead && !stopping.aborted) {
      isToBeRead = (await this.#patiently(() => this.#readUnder(own, signal), signal)) ?? false;
    }
  }

  async #readUnder(own: Ownership, signal: AbortSignal): Promise<boolean> {
    await own.open();
    this.#health.succeeded();
    const pass = new Pass(this.#parts, {
      ...{ number: this.#number, own, health: this.#health, signal },
      stopping: this.#signals.stopping,
      onExtent: ({ last }: Extent) => {
        this.#last = last;
      },
    });
    this.#pass = pass;
    try {
      return await pass.run();
    } finally {
      this.#through = pass.landed ?? this.#through;
      this.#pass = undefined;
    }
  }

  async #held(): Promise<LaneHolder | undefined> {
    const { hold, generation, lane } = this.#parts;
    const { stopping } = this.#signals;
    const name = `${generation}:${lane}:${this.#name}`;
    try {
      const holder = await hold?.(name, { partition: this.#number, signal: stopping });
      requireClaim(holder);
      return holder;
    } catch (error) {
      if (stopping.aborted) return undefined;
      throw error;
    }
  }

  /** Repeats what fails because a server is away. Undefined if that is not wanted any more. */
  async #patiently<T>(work: () => Promise<T>, signal = this.#signals.ending): Promise<T | undefined> {
    const { stopping } = this.#signals;
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof UnavailableError || error instanceof BusyError)) throw this.#typed(error);
        this.#health.failed(error);
        if (stopping.aborted) return undefined;
        await this.#health.pause(tries, stopping);
      }
      if (stopping.aborted) return undefined;
    }
  }

  /** Errors of the code of others say where they come from. */
  #typed(error: unknown): unknown {
    if (error instanceof HoldfastError) return error;
    const { source, lane } = this.#parts;
    return new SourceError(lane, { source: source.name, partition: this.#number }, error);
  }
}

/** For how long a source partition is in our hands: as long as the lane, and the right of its own holder. */
function rightOf(holder: LaneHolder | undefined, ending: AbortSignal) {
  const right = new AbortController();
  const signals = [ending, holder?.signal];
  const heard = signals.map((signal) => onAbort(signal, () => right.abort(signal?.reason)));
  for (const signal of signals) if (signal?.aborted) right.abort(signal.reason);
  return {
    signal: right.signal,
    /** Whether that is so because its holder has lost it, and no more than that. */
    isOver: (error: unknown): boolean =>
      !ending.aborted && (right.signal.aborted || Object(error).code === 'HOLDFAST_STALE_TOKEN'),
    leave: (): void => {
      for (const leave of heard) leave();
    },
  };
}

/** Gives the right back, if the holder can, as a lease does by `release`. */
async function release(holder: LaneHolder | undefined): Promise<void> {
  const { release: giveBack } = Object(holder) as { readonly release?: unknown };
  if (typeof giveBack === 'function') await Promise.resolve(giveBack.call(holder)).catch(() => {});
}
