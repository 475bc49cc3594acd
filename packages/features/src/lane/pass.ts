/**
 * One reading of a source partition, for as long as all partitions of the store stand where they are thought to stand.
 *
 * Guarantees: what is read goes to each partition in order, and no faster than they take it: at most 10,000 pieces wait. A
 * record that cannot be read is reported, and the others go on. A source that loses records while it is read ends the reading
 * with a SourceLostError, before anything after the loss is taken in.
 */
import { MisuseError, onAbort, pause } from '@holdfast/kernel';
import { SourceLostError } from '../errors.js';
import {
  compareOffsets,
  type Extent,
  extremesOf,
  type Offset,
  printOffset,
  readOffset,
  type SourceBatch,
  type SourceRecord,
} from '../source/source.js';
import { letterOf } from '../store/dead-letters.js';
import { traceOf } from '../telemetry.js';
import { Gatherer } from './gatherer.js';
import { Elsewhere, Outbox } from './outbox.js';
import type { Ownership } from './ownership.js';
import {
  type FollowParts,
  type Gathering,
  type Parcel,
  type Piece,
  requireFew,
  type SourceHand,
  type Splitting,
} from './parts.js';

/** How often partitions for which nothing has come are told how far the source has been taken in, in ms. */
const TELL_EVERY = 5_000;

/** How often it is looked whether somebody waits for that, in ms. */
const LOOK_EVERY = 100;

/** Pieces that may wait. */
const MOST_WAITING = 10_000;

/** Dead letters that one call carries. */
const MOST_LETTERS = 64;

type Pieces = Parcel['pieces'][number][];

/** A record that is left out, and why. */
interface Unreadable {
  readonly record: SourceRecord;
  readonly error: unknown;
}

export interface PassOptions {
  readonly number: number;
  readonly own: Ownership;
  readonly health: SourceHand['health'];
  /** Aborts when nothing more may be sent. */
  readonly signal: AbortSignal;
  /** Aborts when nothing more is to be read. */
  readonly stopping: AbortSignal;
  /** Called with what the source is found to have. */
  readonly onExtent: (extent: Extent) => void;
}

export class Pass implements SourceHand {
  readonly number: number;
  readonly own: Ownership;
  readonly health: SourceHand['health'];
  readonly signal: AbortSignal;
  readonly #parts: FollowParts;
  readonly #options: PassOptions;
  readonly #outboxes: readonly Outbox[];
  readonly #reading = new AbortController();
  readonly #over = new AbortController();
  #through: Offset | undefined;
  #toldAt: number;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #isTelling = false;

  constructor(parts: FollowParts, options: PassOptions) {
    this.#parts = parts;
    this.#options = options;
    this.number = options.number;
    this.own = options.own;
    this.health = options.health;
    this.signal = options.signal;
    this.#toldAt = parts.clock.now();
    this.#outboxes = parts.partitions.map(
      (each) => new Outbox(parts, this, each, readOffset(options.own.offsetIn(each.number))),
    );
  }

  /** How far the source has been taken in by all partitions. */
  get taken(): Offset | undefined {
    return extremesOf(this.#outboxes.map(({ taken }) => taken)).lowest;
  }

  /** The same with what was read and was for others: a partition may not have been told yet that nothing was for it. */
  get landed(): Offset | undefined {
    const read = this.#through;
    return extremesOf(
      this.#outboxes.map(({ taken, count }) =>
        count === 0 && compareOffsets(read, taken) > 0 ? read : taken,
      ),
    ).lowest;
  }

  /** How many pieces are waiting or on their way. */
  get waiting(): number {
    return this.#outboxes.reduce((sum, { count }) => sum + count, 0);
  }

  /** Whether the source must be read again from where the partitions stand; false at its end, or once that is wanted. */
  async run(): Promise<boolean> {
    const leave = [this.signal, this.#options.stopping].map((signal) =>
      onAbort(signal, () => this.#stopReading()),
    );
    if (this.signal.aborted || this.#options.stopping.aborted) this.#stopReading();
    try {
      await this.#begin();
      await this.#readAll();
      await this.#tellIdle();
      this.#requireGoing();
      return false;
    } catch (error) {
      if (error instanceof Elsewhere) return true;
      // Where only the source has failed, what it gave before lands.
      if (this.#failure === undefined) await Promise.allSettled(this.#outboxes.map((each) => each.idle()));
      throw error;
    } finally {
      this.#over.abort();
      for (const each of leave) each();
    }
  }

  left(): void {
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stopReading();
  }

  #stopReading(): void {
    this.#reading.abort();
    this.#wake?.();
  }

  #requireGoing(): void {
    if (this.#failure) throw this.#failure.error;
    this.signal.throwIfAborted();
  }

  /** Whether the source has what comes next, and where it begins if nothing of it was taken in. */
  async #begin(): Promise<void> {
    const { source } = this.#parts;
    const extent = await source.extent(this.number);
    if (extent === undefined) return;
    this.#options.onExtent(extent);
    const { lowest, highest } = extremesOf(this.#outboxes.map(({ taken }) => taken));
    this.#requireThere(extent, lowest ?? highest, highest);
    if (lowest !== undefined || extent.lostThrough === undefined) return;
    // What was lost before the lane began is told to all, so that what is lost from now on differs from it.
    this.#through = extent.lostThrough;
    await this.#tellIdle();
  }

  #requireThere({ lostThrough, last }: Extent, lowest: Offset | undefined, highest: Offset | undefined) {
    const { source, lane } = this.#parts;
    const lost = (found: string): SourceLostError =>
      new SourceLostError(lane, { source: source.name, partition: this.number, found });
    if (compareOffsets(highest, last) > 0) {
      throw lost(
        `it ends at ${printOffset(last)}, and was taken in through ${printOffset(highest)}: it was made anew`,
      );
    }
    if (lowest !== undefined && compareOffsets(lostThrough, lowest) > 0) {
      throw lost(
        `records through ${printOffset(lostThrough)} are gone, and were taken in through ${printOffset(lowest)} only`,
      );
    }
  }

  async #readAll(): Promise<void> {
    const { source } = this.#parts;
    let place = this.taken;
    const batches = source.read(this.number, place, this.#reading.signal)[Symbol.asyncIterator]();
    try {
      while (!this.#reading.signal.aborted) {
        // A source that goes on waiting although it is told to stop, and a promise of `parse` that never settles, hold up nobody.
        const next = await orAborted(batches.next(), this.#reading.signal);
        this.#requireGoing();
        if (next === undefined || next.done) return;
        const batch = next.value;
        if (batch.extent) {
          this.#options.onExtent(batch.extent);
          this.#requireThere(batch.extent, place, place);
        }
        await orAborted(this.#take(batch), this.signal);
        this.#requireGoing();
        place = batch.through;
        this.#through = batch.through;
        this.health.succeeded();
        if (!this.#isTelling) void this.#tellWhenQuiet();
        while (this.waiting >= MOST_WAITING && this.#failure === undefined && !this.signal.aborted)
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        this.#requireGoing();
      }
    } finally {
      const returned = Promise.resolve(batches.return?.()).catch(() => {});
      if (!this.#reading.signal.aborted) await returned;
    }
  }

  async #take({ records, through }: SourceBatch): Promise<void> {
    const { taking } = this.#parts;
    const unreadable: Unreadable[] = [];
    const pieces =
      'add' in taking
        ? await this.#gather(taking, records, unreadable)
        : await this.#divide(taking, records, unreadable);
    this.#requireGoing();
    // Before anything says that these records have been taken in.
    for (let from = 0; from < unreadable.length; from += MOST_LETTERS)
      await this.#bury(unreadable.slice(from, from + MOST_LETTERS));
    for (const [partition, all] of pieces) this.#outboxes[partition]?.add(all, through);
  }

  /** What records become for each partition, in as many calls as that takes. */
  async #gather(taking: Gathering, records: readonly SourceRecord[], unreadable: Unreadable[]) {
    const gatherer = new Gatherer(taking, {
      source: this.number,
      most: this.#parts.most,
      takenBy: (partition) => this.#outboxes[partition]?.taken,
    });
    for (const record of records) {
      try {
        requireFit(record);
        const adding = gatherer.add(record);
        if (adding !== undefined) await adding;
      } catch (error) {
        unreadable.push({ record, error });
      }
      gatherer.closeFull();
    }
    return gatherer.close();
  }

  async #divide(
    taking: Splitting,
    records: readonly SourceRecord[],
    unreadable: Unreadable[],
  ): Promise<Map<number, Pieces>> {
    const pieces = new Map<number, Pieces>();
    for (const record of records) {
      const split = splitOf(taking, record, unreadable);
      const all = split instanceof Promise ? await split : split;
      const trace = traceOf(record.value);
      for (const [index, { partition, content }] of all.entries()) {
        const of = pieces.get(partition) ?? [];
        of.push({ offset: record.offset, content, index, trace, weight: 1 });
        pieces.set(partition, of);
      }
    }
    return pieces;
  }

  async #bury(unreadable: readonly Unreadable[]): Promise<void> {
    const { deadLetters, onUnreadable } = this.#parts;
    const outbox = this.#outboxes[this.number % this.#outboxes.length];
    let fresh = unreadable;
    if (deadLetters > 0 && outbox !== undefined) {
      const count = await outbox.bury(unreadable.map(({ record, error }) => letterOf(record, error)));
      // Those that were there already were told of when they were read before.
      fresh = unreadable.slice(unreadable.length - count);
    }
    for (const { record, error } of fresh) onUnreadable(error, record);
  }

  /** As `tell`, once all has landed. Resolves when all have been told. */
  async #tellIdle(): Promise<void> {
    await Promise.all(this.#outboxes.map((each) => each.idle()));
    this.#tell();
    await Promise.all(this.#outboxes.map((each) => each.idle()));
  }

  /** Tells the partitions for which nothing has come how far the source has been taken in. */
  #tell(): void {
    this.#toldAt = this.#parts.clock.now();
    const through = this.#through;
    if (through !== undefined) for (const each of this.#outboxes) each.tell(through);
  }

  /** Until all partitions are where the reading is. A source that has no more may be silent for ever, so this waits for none. */
  async #tellWhenQuiet(): Promise<void> {
    const { clock, isAwaited } = this.#parts;
    const { signal } = this.#over;
    this.#isTelling = true;
    while (compareOffsets(this.taken, this.#through) < 0) {
      await pause(clock, LOOK_EVERY, signal);
      const isDue = clock.now() - this.#toldAt >= TELL_EVERY || (await isAwaited());
      if (signal.aborted) return;
      if (isDue) this.#tell();
    }
    this.#isTelling = false;
  }
}

function splitOf(
  taking: Splitting,
  record: SourceRecord,
  unreadable: Unreadable[],
): readonly Piece[] | Promise<readonly Piece[]> {
  const failed = (error: unknown): readonly Piece[] => {
    unreadable.push({ record, error });
    return [];
  };
  const fit = (pieces: readonly Piece[]): readonly Piece[] => {
    requireFew(pieces.length);
    return pieces;
  };
  try {
    requireFit(record);
    const split = taking.split(record);
    return split instanceof Promise ? split.then(fit).catch(failed) : fit(split);
  } catch (error) {
    return failed(error);
  }
}

function requireFit({ offset: [, second] }: SourceRecord): void {
  if (second >= 0 && second < 2 ** 32) return;
  throw new MisuseError(`The second part of an offset is below ${2 ** 32}; got ${second}.`);
}

/** As `work` settles, or undefined as soon as `signal` aborts. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) {
    work.catch(() => {});
    return undefined;
  }
  let leave = (): void => {};
  const aborted = new Promise<undefined>((resolve) => {
    leave = onAbort(signal, () => resolve(undefined));
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    leave();
  }
}
