/**
 * A lane that follows a source: what its records become lands together with the offset up to which they go.
 *
 * Guarantees: each record is taken in once in every partition of the store, whatever is repeated, lost or killed, because the
 * offset is stored by the call that stores the rows, and a call that does not continue where the partition stands is refused.
 * A follower begins at the lowest offset of all partitions, and each drops what it has. A record that cannot be read is
 * reported and counted, and the others go on. A source that has lost what was not taken in yet ends the follower with a
 * SourceLostError. While Redis is away, the follower waits.
 */
import { type Clock, HoldfastError, pause, UnavailableError } from '@holdfast/kernel';
import { GenerationEndedError, SourceLostError } from '../errors.js';
import {
  compareOffsets,
  type Offset,
  printOffset,
  readOffset,
  type Source,
  type SourceBatch,
  type SourceRecord,
} from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { Landed, LaneClaim, LaneRefusal, Span } from '../store/verbs.js';
import type { Ownership } from './ownership.js';

/** What a record becomes in one partition of the store. */
export interface Piece {
  readonly partition: number;
  readonly content: unknown;
}

/** What is sent to one partition: the pieces of some records, and the offsets that they span. */
export interface Parcel {
  readonly partition: Partition;
  readonly claim: LaneClaim;
  readonly span: Span;
  readonly pieces: readonly { readonly offset: Offset; readonly content: unknown }[];
  readonly source: number;
}

export interface FollowOptions {
  readonly source: Source;
  readonly partitions: readonly Partition[];
  readonly generation: string;
  readonly lane: string;
  /** The lane as a whole. */
  readonly ownership: Ownership;
  /** The right to a source partition, not opened yet. */
  readonly ownershipOf: (source: number) => Ownership;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Throws for a record that cannot be read. */
  readonly split: (record: SourceRecord) => readonly Piece[];
  readonly send: (parcel: Parcel) => Promise<Landed | LaneRefusal>;
  readonly onUnreadable: (error: unknown, record: SourceRecord) => void;
  /** Pieces that one call carries at most. */
  readonly most: number;
}

/** The pause before a call is repeated, in ms. */
const PAUSE = 50;
/** How often partitions for which nothing has come are told how far the source has been taken in, in ms. */
const TELL_EVERY = 5_000;

export class Follower {
  readonly #options: FollowOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: FollowOptions) {
    this.#options = options;
    const { source, signal } = options;
    const abort = (): void => this.#stopping.abort();
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    this.#done = Promise.all(source.partitions.map((each) => this.#followAll(each)))
      .then(() => {})
      .finally(() => {
        abort(); // one that fails ends the others
        signal.removeEventListener('abort', abort);
      });
    this.#done.catch(() => {}); // whoever asks is told
  }

  /**
   * Resolves when the follower was stopped. Throws StaleTokenError, GenerationEndedError, SourceLostError, or the reason for
   * which the lane's signal aborted.
   */
  async done(): Promise<void> {
    await this.#done;
    this.#options.signal.throwIfAborted();
  }

  /** Lands what was read, tells all partitions how far that went, and reads nothing more. Throws as `done`. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.done();
  }

  /** From the beginning again whenever a partition stands elsewhere than was thought. */
  async #followAll(number: number): Promise<void> {
    const { ownershipOf, partitions, source } = this.#options;
    const own = ownershipOf(number);
    await this.#patiently(() => own.open());
    while (!this.#stopping.signal.aborted) {
      const taken = partitions.map((each) => readOffset(own.offsetIn(each.number)));
      const lowest = taken.reduce((one, other) => (compareOffsets(other, one) < 0 ? other : one));
      await this.#requireThere(number, taken, lowest);
      const pass = new Pass(this.#options, own, { number, taken, stopping: this.#stopping.signal });
      if (await pass.run(source.read(number, lowest, this.#stopping.signal))) continue;
      return;
    }
  }

  async #requireThere(number: number, taken: readonly (Offset | undefined)[], lowest: Offset | undefined) {
    const { source, lane } = this.#options;
    const { lostThrough, last } = await this.#patiently(() => source.extent(number));
    const highest = taken.reduce((one, other) => (compareOffsets(other, one) > 0 ? other : one));
    const where = { source: source.name, partition: number };
    if (compareOffsets(highest, last) > 0) {
      const found = `it ends at ${printOffset(last)}, and was taken in through ${printOffset(highest)}: it was made anew`;
      throw new SourceLostError(lane, { ...where, found });
    }
    // A lane that begins with the source takes what is there.
    if (lowest !== undefined && compareOffsets(lostThrough, lowest) > 0) {
      const found = `records through ${printOffset(lostThrough)} are gone, and were taken in through ${printOffset(lowest)} only`;
      throw new SourceLostError(lane, { ...where, found });
    }
  }

  /** Repeats what fails because a server is away. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { clock, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        // A client's own error says that it is not connected; ours say what they are.
        if (error instanceof HoldfastError && !(error instanceof UnavailableError)) throw error;
      }
      await pause(clock, PAUSE, signal);
    }
  }
}

interface PassState {
  readonly number: number;
  /** By partition of the store. */
  readonly taken: (Offset | undefined)[];
  readonly stopping: AbortSignal;
}

/** One reading of a source partition, for as long as all partitions stand where they are thought to stand. */
class Pass {
  readonly #options: FollowOptions;
  readonly #own: Ownership;
  readonly #state: PassState;
  #through: Offset | undefined;
  #toldAt: number;

  constructor(options: FollowOptions, own: Ownership, state: PassState) {
    this.#options = options;
    this.#own = own;
    this.#state = state;
    this.#toldAt = options.clock.now();
  }

  /** Whether the source must be read again from where the partitions stand. */
  async run(batches: AsyncIterable<SourceBatch>): Promise<boolean> {
    for await (const batch of batches) {
      if (!(await this.#land(batch))) return true;
      this.#through = batch.through;
      if (this.#options.clock.now() - this.#toldAt >= TELL_EVERY && !(await this.#tell())) return true;
      if (this.#state.stopping.aborted) break;
    }
    await this.#tell();
    return false;
  }

  async #land({ records, through }: SourceBatch): Promise<boolean> {
    const pieces = new Map<number, { offset: Offset; content: unknown }[]>();
    for (const record of records) {
      for (const { partition, content } of this.#split(record)) {
        if (compareOffsets(record.offset, this.#state.taken[partition]) <= 0) continue;
        const of = pieces.get(partition) ?? [];
        of.push({ offset: record.offset, content });
        pieces.set(partition, of);
      }
    }
    const landed = await Promise.all(
      [...pieces].map(([partition, all]) => this.#landIn(partition, all, through)),
    );
    return landed.every((each) => each);
  }

  #split(record: SourceRecord): readonly Piece[] {
    const { split, onUnreadable } = this.#options;
    try {
      return split(record);
    } catch (error) {
      onUnreadable(error, record);
      return [];
    }
  }

  /** In calls that end between two records. */
  async #landIn(number: number, pieces: Parcel['pieces'], through: Offset): Promise<boolean> {
    for (let from = 0; from < pieces.length; ) {
      let to = Math.min(from + this.#options.most, pieces.length);
      const isLast = (place: number): boolean =>
        place === pieces.length || compareOffsets(pieces[place - 1]?.offset, pieces[place]?.offset) !== 0;
      while (!isLast(to)) to += 1;
      const end = to === pieces.length ? through : (pieces[to - 1]?.offset ?? through);
      if (!(await this.#send(number, pieces.slice(from, to), end))) return false;
      from = to;
    }
    return true;
  }

  async #send(number: number, pieces: Parcel['pieces'], through: Offset): Promise<boolean> {
    const partition = this.#options.partitions[number] as Partition;
    const span = { after: printOffset(this.#state.taken[number]), through: printOffset(through) };
    return this.#settle(partition, through, () =>
      this.#options.send({ partition, claim: this.#claim(number), span, pieces, source: this.#state.number }),
    );
  }

  /** False if the partition stands elsewhere. */
  async #settle(
    partition: Partition,
    through: Offset,
    call: () => Promise<Landed | { readonly word: 'told' } | LaneRefusal>,
  ): Promise<boolean> {
    const { ownership, clock, signal, generation, lane } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      try {
        const reply = await call();
        switch (reply.word) {
          case 'landed':
          case 'told':
          case 'repeated': // an earlier try of this call, whose answer was lost
            this.#state.taken[partition.number] = through;
            return true;
          case 'stale':
            throw ownership.depose(reply.detail);
          case 'retired':
            throw this.#ended(new GenerationEndedError(lane, generation));
          case 'closed':
            break;
          case 'gap':
            await this.#own.reopen(partition);
            return false;
          default:
            await ownership.reopen(partition);
            await this.#own.reopen(partition);
            return false;
        }
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
      }
      await pause(clock, PAUSE, signal);
    }
  }

  /** Tells the partitions for which nothing has come how far the source has been taken in. */
  async #tell(): Promise<boolean> {
    const through = this.#through;
    this.#toldAt = this.#options.clock.now();
    if (through === undefined) return true;
    const behind = this.#options.partitions.filter(
      ({ number }) => compareOffsets(this.#state.taken[number], through) < 0,
    );
    const told = await Promise.all(
      behind.map((partition) =>
        this.#settle(partition, through, async () => {
          const after = printOffset(this.#state.taken[partition.number]);
          const span = { after, through: printOffset(through) };
          const lanes = [{ ...this.#claim(partition.number), ...span }];
          const [verdict] = await partition.call(partition.verbs.tell, lanes);
          return verdict as { readonly word: 'told' } | LaneRefusal;
        }),
      ),
    );
    return told.every((each) => each);
  }

  #claim(partition: number): LaneClaim {
    const { generation, lane, ownership } = this.#options;
    const source = String(this.#state.number);
    const [mark, sourceMark] = [ownership.markIn(partition), this.#own.markIn(partition)];
    return { generation, lane, mark, source, sourceMark };
  }

  #ended(error: GenerationEndedError): GenerationEndedError {
    this.#options.ownership.end(error);
    return error;
  }
}
