/**
 * A lane of a view: the place from which one holder of a token writes its rows. The main path: `land(rows)` encodes the
 * rows, puts each into the bucket of its partition, and resolves when all are answered.
 *
 * Guarantees: a row that cannot be stored is refused by itself, with a RowError that names the part of it that is wrong; the
 * others land. A row is accepted only while the lane has the highest token that has opened it, and only over an older one.
 * At most 10,000 rows are on their way; beyond that, `land` waits, so that whoever calls it is held up as Redis is. When the
 * lane is deposed, everything that waits rejects with a StaleTokenError, and `signal` aborts.
 */
import { type Clock, HoldfastError, MisuseError, onAbort, type TokenHolder } from '@holdfast/kernel';
import type { RowError } from '../errors.js';
import type { Partition } from '../store/partition.js';
import { Bucket, type RowListener } from './bucket.js';
import { type Ownership, turnOf } from './ownership.js';

/** What became of a row: refused means that it cannot be stored as it is. */
type RowOutcome = 'accepted' | 'older' | 'equal' | 'refused';

export interface Landing {
  /** One for each row, in their order. */
  readonly outcomes: readonly RowOutcome[];
  /** Why rows were refused, by their place. */
  readonly errors: ReadonlyMap<number, RowError>;
}

/** How many rows of a lane ended how since it was opened. */
export type LaneStats = Readonly<Record<RowOutcome, number>>;

/** What the head of a row says about who wrote it. */
export interface RowOrigin {
  readonly rank: number;
  readonly token: number;
  readonly turn: number;
  readonly source: number;
  readonly sequence: number;
  readonly second: number;
}

interface EncodedRow {
  readonly id: string;
  readonly partition: number;
  /** Completes the row, once it is known under which mark it lands. */
  readonly finish: (origin: RowOrigin) => Uint8Array;
}

/** Makes a row of what the user gives. Throws RowError. */
type RowEncoder<Row> = (row: Row) => EncodedRow;

export interface LaneOptions<Row> {
  readonly partitions: readonly Partition[];
  readonly ownership: Ownership;
  readonly holder: TokenHolder;
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
  readonly encode: RowEncoder<Row>;
  readonly badTime: (row: Row) => RowError;
}

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
      this.#leave.push(onAbort(signal, () => this.#end(signal.reason)));
    if (holder.signal.aborted) this.#end(holder.signal.reason);
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
