/**
 * A lane of a view: the place from which one holder of a token writes its rows. The main path: `land(rows)` encodes the
 * rows, puts each into the bucket of its partition, and resolves when all are answered.
 *
 * Guarantees: a row that cannot be stored is refused by itself, with a RowError that names the part of it that is wrong; the
 * others land. A row is accepted only while the lane has the highest token that has opened it, and only over an older one.
 * At most 10,000 rows are on their way; beyond that, `land` waits, so that whoever calls it is held up as Redis is. When the
 * lane is deposed, everything that waits rejects with a StaleTokenError, and `signal` aborts.
 */
import { type Clock, display, HoldfastError, MisuseError, onAbort, pause } from '@holdfast/kernel';
import { GenerationEndedError, type RowError } from '../errors.js';
import type { RowOrigin } from '../row/header.js';
import type { Source, SourceRecord } from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { Landed, LaneRefusal } from '../store/verbs.js';
import { Bucket, closedError, type RowListener } from './bucket.js';
import { Follower, type Parcel, type Piece } from './follow.js';
import { type LaneHolder, type Ownership, turnOf } from './ownership.js';

/** What became of a row: refused means that it cannot be stored as it is. */
export type RowOutcome = 'accepted' | 'older' | 'equal' | 'refused';

export interface Landing {
  /** One for each row, in their order. */
  readonly outcomes: readonly RowOutcome[];
  /** Why rows were refused, by their place. */
  readonly errors: ReadonlyMap<number, RowError>;
}

/** How many rows of a lane ended how since it was opened. */
export type LaneStats = Readonly<Record<RowOutcome, number>>;

/** A row that lacks only what its head says about who wrote it. */
interface EncodedRow {
  readonly id: string;
  readonly partition: number;
  /** Completes the row, once it is known under which mark it lands. */
  readonly finish: (origin: RowOrigin) => Uint8Array;
}

/** Makes a row of what the user gives. Throws RowError. */
export type EncodeRow<Row> = (row: Row) => EncodedRow;

/** The rows of a record: one, several, or none. Throws for a record that cannot be read. */
export type ParseRecord<Row> = (
  value: unknown,
  record: SourceRecord,
) => Row | readonly Row[] | null | undefined;

export interface FollowLaneOptions {
  /** The holder of a source partition, by its number. Default: the holder of the lane. */
  readonly hold?: (partition: number) => LaneHolder;
  /** Told of each record that was left out because it cannot be read or stored. Default: it is counted only. */
  readonly onUnreadable?: (error: unknown, record: SourceRecord) => void;
}

export interface LaneOptions<Row> {
  readonly partitions: readonly Partition[];
  readonly ownership: Ownership;
  readonly holder: LaneHolder;
  readonly view: string;
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly lane: string;
  readonly rank: number;
  /** In microseconds. */
  readonly ahead: number;
  readonly history: boolean;
  readonly patience: number;
  readonly clock: Clock;
  readonly encode: EncodeRow<Row>;
  readonly badTime: (row: Row) => RowError;
}

/** The pause before a call is repeated, in ms. */
const PAUSE = 50;

/** Rows of a source that one call carries at most. */
const MOST_IN_CALL = 128;

/** Rows that may be on their way. */
const MOST_ROWS = 10_000;

const OUTCOMES: Readonly<Record<string, RowOutcome>> = {
  a: 'accepted',
  s: 'accepted',
  o: 'older',
  e: 'equal',
};

export class Lane<Row> {
  readonly #options: LaneOptions<Row>;
  readonly #buckets: readonly Bucket[];
  readonly #ending = new AbortController();
  readonly #stats = { accepted: 0, older: 0, equal: 0, refused: 0 };
  #onTheWay = 0;
  #count = 0;
  #waiting: (() => void)[] = [];
  readonly #leave: (() => void)[] = [];

  constructor(options: LaneOptions<Row>) {
    this.#options = options;
    const { partitions, ownership, generation, lane, ahead, history, patience, clock, holder } = options;
    this.#buckets = partitions.map(
      (partition) =>
        new Bucket({
          ...{ partition, ownership, generation, lane, ahead, history, patience, clock },
          onRoom: (rows) => this.#left(rows),
        }),
    );
    for (const signal of [holder.signal, ownership.signal])
      this.#leave.push(onAbort(signal, () => this.#end(signal?.reason)));
    if (holder.signal?.aborted) this.#end(holder.signal.reason);
  }

  /** Aborts when nothing more can be landed: with the lane deposed, the holder's right ended, or the lane closed. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  stats(): LaneStats {
    return { ...this.#stats };
  }

  /**
   * Resolves when all rows are answered. Throws StaleTokenError if the lane is deposed, UnavailableError if Redis did not
   * answer in time, GenerationEndedError if the generation has ended: rows may then have landed, and may be landed again.
   */
  async land(rows: Iterable<Row>): Promise<Landing> {
    if (typeof rows !== 'object' || rows === null || !(Symbol.iterator in rows))
      throw new MisuseError(
        `land() takes a list of rows, each with id, time and values; got ${display(rows)}.`,
      );
    const batch = new Batch(this.#options.badTime, rows);
    for (const row of batch.rows) {
      if (this.#onTheWay >= MOST_ROWS) await this.#room();
      this.#ending.signal.throwIfAborted();
      this.#add(row, batch);
    }
    const landing = await batch.done();
    for (const outcome of landing.outcomes) this.#stats[outcome] += 1;
    return landing;
  }

  /**
   * Lands the rows of a source's records, each together with its offset, so that every record is taken in once, whatever is
   * repeated or killed. `parse` makes the row of a record, several, or none; a record for which it throws, or whose row cannot
   * be stored, is reported to `onUnreadable`, and the others go on. `hold` gives the holder of a source partition, so that each
   * can be in other hands; it may own it for as long as its right lasts. Default: the lane's holder has all of them.
   */
  follow(source: Source, parse: ParseRecord<Row>, options: FollowLaneOptions = {}): Follower {
    const { partitions, ownership, generation, lane, clock } = this.#options;
    const follower = new Follower({
      ...{ source, partitions, ownership, generation, lane, clock, signal: this.#ending.signal },
      ownershipOf: (number) => ownership.ofSource(String(number), options.hold?.(number)),
      most: MOST_IN_CALL,
      split: (record) => this.#split(parse, record),
      send: (parcel) => this.#send(parcel),
      onUnreadable: (error, record) => {
        this.#stats.refused += 1;
        options.onUnreadable?.(error, record);
      },
    });
    return follower;
  }

  /**
   * Notes that the lane has landed all that it will have, as a nightly batch has at its end: a generation waits for that before
   * it takes the place of another. Throws StaleTokenError, GenerationEndedError, UnavailableError.
   */
  async finish(): Promise<void> {
    const { partitions, ownership, generation, lane, patience } = this.#options;
    const deadline = this.#options.clock.now() + patience;
    for (const partition of partitions) {
      for (;;) {
        this.#ending.signal.throwIfAborted();
        const mark = ownership.markIn(partition.number);
        const claim = { generation, lane, mark, source: '', sourceMark: '' };
        const reply = await partition.call(partition.verbs.finish, claim);
        if (reply.word === 'finished') break;
        if (reply.word === 'stale') throw ownership.depose(reply.detail);
        if (reply.word === 'retired') throw new GenerationEndedError(lane, generation);
        if (reply.word !== 'closed') await ownership.reopen(partition);
        else if (this.#options.clock.now() > deadline) throw closedError(generation, partition.number);
        else await pause(this.#options.clock, PAUSE, this.#ending.signal);
      }
    }
  }

  /** Sends what has been gathered, without waiting for company. */
  flush(): void {
    for (const bucket of this.#buckets) bucket.flush();
  }

  /** Lands nothing more. Rows that are on their way are answered all the same. */
  close(): void {
    const { view, lane } = this.#options;
    this.#end(new MisuseError(`The lane "${lane}" of the view "${view}" is closed; open it again.`));
  }

  #add(row: Row, batch: Batch<Row>): void {
    const index = batch.next();
    let encoded: EncodedRow;
    try {
      encoded = this.#options.encode(row);
    } catch (error) {
      batch.refused(index, error as Error);
      return;
    }
    const bucket = this.#buckets[encoded.partition] as Bucket;
    this.#onTheWay += 1;
    bucket.add(encoded.id, encoded.finish(this.#originIn(encoded.partition)), batch, index);
  }

  #split(parse: ParseRecord<Row>, record: SourceRecord): readonly Piece[] {
    const parsed = parse(record.value, record);
    if (parsed === null || parsed === undefined) return [];
    const rows: readonly Row[] = Array.isArray(parsed) ? parsed : [parsed as Row];
    return rows.map((row) => {
      const content = this.#options.encode(row);
      return { partition: content.partition, content };
    });
  }

  async #send({ partition, claim, span, pieces, source }: Parcel): Promise<Landed | LaneRefusal> {
    const { rank, ahead, history } = this.#options;
    const token = Number(claim.sourceMark.split(' ', 1)[0]);
    const { turn } = turnOf(claim.sourceMark);
    const ids: string[] = [];
    const rows: Uint8Array[] = [];
    for (const { offset, content } of pieces) {
      const { id, finish } = content as EncodedRow;
      ids.push(id);
      rows.push(finish({ rank, token, turn, source, sequence: offset[0], second: offset[1] }));
    }
    const reply = await partition.call(partition.verbs.land, {
      ...claim,
      ...span,
      ahead,
      history,
      ids,
      rows,
    });
    if (reply.word === 'landed')
      for (const verdict of reply.verdicts) this.#stats[OUTCOMES[verdict] ?? 'refused'] += 1;
    return reply;
  }

  /** Rows of one opening are numbered, so that the later one wins where event times are equal. */
  #originIn(partition: number): RowOrigin {
    const { rank, holder, ownership } = this.#options;
    const { turn, instance } = turnOf(ownership.markIn(partition));
    this.#count += 1;
    const sequence = instance * 2 ** 20 + Math.floor(this.#count / 2 ** 32);
    return { rank, token: holder.token, turn, source: 0, sequence, second: this.#count >>> 0 };
  }

  #room(): Promise<void> {
    this.flush();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #left(rows: number): void {
    this.#onTheWay -= rows;
    if (this.#waiting.length === 0 || this.#onTheWay >= MOST_ROWS) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #end(reason: unknown): void {
    this.#ending.abort(reason);
    for (const leave of this.#leave.splice(0)) leave();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The rows of one call of `land`. */
class Batch<Row> implements RowListener {
  readonly rows: readonly Row[];
  readonly #badTime: (row: Row) => RowError;
  readonly #outcomes: RowOutcome[];
  readonly #errors = new Map<number, RowError>();
  #added = 0;
  #left: number;
  #failure: Error | undefined;
  #resolve: (() => void) | undefined;

  constructor(badTime: (row: Row) => RowError, rows: Iterable<Row>) {
    this.#badTime = badTime;
    this.rows = [...rows];
    this.#left = this.rows.length;
    this.#outcomes = new Array(this.rows.length).fill('refused');
  }

  next(): number {
    this.#added += 1;
    return this.#added - 1;
  }

  refused(index: number, error: Error): void {
    if (!(error instanceof HoldfastError)) this.#failure ??= error;
    this.#errors.set(index, error as RowError);
    this.#settle();
  }

  landed(index: number, verdict: string): void {
    this.#outcomes[index] = OUTCOMES[verdict] ?? 'refused';
    if (verdict === 'f') this.#errors.set(index, this.#badTime(this.rows[index] as Row));
    this.#settle();
  }

  failed(_: number, error: Error): void {
    this.#failure ??= error;
    this.#settle();
  }

  async done(): Promise<Landing> {
    if (this.#left > 0) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
    return { outcomes: this.#outcomes, errors: this.#errors };
  }

  #settle(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#resolve?.();
  }
}
