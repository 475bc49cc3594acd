/**
 * A lane of a view: the place from which one holder of a token writes its rows. The main path: `land(rows)` encodes the
 * rows, puts each into the bucket of its partition, and resolves when all are answered.
 *
 * Guarantees: a row that cannot be stored is refused by itself, with a RowError that names the part of it that is wrong; the
 * others land. A row is accepted only while the lane has the highest token that has opened it, and only over an older one.
 * At most 10,000 rows are on their way; beyond that, `land` waits, so that whoever calls it is held up as Redis is. When the
 * lane is deposed, everything that waits rejects with a StaleTokenError, and `signal` aborts.
 */
import {
  type Clock,
  display,
  HoldfastError,
  MisuseError,
  onAbort,
  pause,
  type Random,
} from '@holdfast/kernel';
import { GenerationEndedError, RowError } from '../errors.js';
import type { RowOrigin } from '../row/header.js';
import type { Source, SourceRecord } from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { Landed, LaneRefusal } from '../store/verbs.js';
import type { Telemetry } from '../telemetry.js';
import { Bucket, type LandVerb, type RowListener } from './bucket.js';
import type { Follower, StopOptions } from './follow.js';
import {
  abortedLane,
  closedLane,
  Following,
  type FollowLaneOptions,
  type FollowStats,
  followedLane,
  isPromise,
} from './following.js';
import { closedError, type LaneHolder, type Ownership, turnOf } from './ownership.js';
import type { Parcel, Piece } from './parts.js';

/** What became of a row: refused means that it cannot be stored as it is, erased that it is about an entity that was erased. */
export type RowOutcome = 'accepted' | 'older' | 'equal' | 'erased' | 'refused';

export interface Landing {
  /** One for each row, in their order. */
  readonly outcomes: readonly RowOutcome[];
  /** Why rows were refused, by their place. */
  readonly errors: ReadonlyMap<number, RowError>;
}

/** How many rows of a lane ended how since it was opened, and what is on its way. */
export interface LaneStats extends Readonly<Record<RowOutcome, number>>, FollowStats {
  /** Rows that were given to `land` and are not answered yet. */
  readonly inFlight: number;
}

/** A row that lacks only what its head says about who wrote it. */
interface EncodedRow {
  readonly id: string;
  readonly partition: number;
  /** Completes the row, once it is known under which mark it lands. */
  readonly finish: (origin: RowOrigin) => Uint8Array;
}

/** Makes a row of what the user gives. Throws RowError. */
export type EncodeRow<Row> = (row: Row) => EncodedRow;

type Parsed<Row> = Row | readonly Row[] | null | undefined;

/** The rows of a record: one, several, or none. Throws, or rejects, for a record that cannot be read. */
export type ParseRecord<Row> = (value: unknown, record: SourceRecord) => Parsed<Row> | Promise<Parsed<Row>>;

export interface LaneOptions<Row> {
  readonly partitions: readonly Partition[];
  readonly ownership: Ownership;
  /** Undefined for a lane that several processes share. */
  readonly holder: LaneHolder | undefined;
  readonly view: string;
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly lane: string;
  readonly rank: number;
  /** In microseconds. */
  readonly ahead: number;
  readonly history: boolean;
  /** The names of the parts of an id. */
  readonly parts: readonly string[];
  readonly verb: LandVerb;
  readonly patience: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly encode: EncodeRow<Row>;
  readonly badTime: (row: Row) => RowError;
  /** As that of FollowParts. */
  readonly isAwaited: () => Promise<boolean>;
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
  x: 'erased',
};

export class Lane<Row> {
  readonly #options: LaneOptions<Row>;
  readonly #buckets: readonly Bucket[];
  readonly #ending = new AbortController();
  readonly #stats = { accepted: 0, older: 0, equal: 0, erased: 0, refused: 0 };
  #onTheWay = 0;
  #count = 0;
  #waiting: (() => void)[] = [];
  readonly #idle: (() => void)[] = [];
  readonly #leave: (() => void)[] = [];
  readonly #following: Following;
  /** What the latest mark in each partition says. */
  readonly #turns: ({ readonly mark: string } & ReturnType<typeof turnOf>)[] = [];
  #isClosing = false;
  #hasLanded = false;
  #isFinished = false;

  constructor(options: LaneOptions<Row>) {
    this.#options = options;
    const {
      partitions,
      ownership,
      view,
      generation,
      lane,
      ahead,
      history,
      parts,
      verb,
      patience,
      clock,
      holder,
    } = options;
    const { telemetry } = options;
    this.#buckets = partitions.map(
      (partition) =>
        new Bucket({
          ...{
            partition,
            ownership,
            view,
            generation,
            lane,
            ahead,
            history,
            parts,
            verb,
            patience,
            clock,
            telemetry,
          },
          signal: this.#ending.signal,
          onRoom: (rows) => this.#left(rows),
        }),
    );
    this.#following = new Following({
      ...{ partitions, ownership, view, generation, lane, clock, telemetry, random: options.random },
      signal: this.#ending.signal,
      ...{ most: MOST_IN_CALL, isAwaited: options.isAwaited },
      send: (parcel) => this.#send(parcel),
    });
    for (const signal of [holder?.signal, ownership.signal])
      this.#leave.push(onAbort(signal, () => this.#end(signal?.reason)));
    if (holder?.signal?.aborted) this.#end(holder.signal.reason);
  }

  /** Aborts when nothing more can be landed: with the lane deposed, the holder's right ended, or the lane closed. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  stats(): LaneStats {
    return { ...this.#stats, ...this.#following.stats(), inFlight: this.#onTheWay };
  }

  /**
   * Resolves when all rows are answered. Throws StaleTokenError if the lane is deposed, UnavailableError if Redis did not
   * answer in time, GenerationEndedError if the generation has ended, AbortedError if the lane is closed meanwhile: rows may then
   * have landed, and may be landed again. MisuseError for a lane that is closed, that was finished, or that follows a source: what
   * another generation lacks of it is judged by the offsets of the source.
   */
  async land(rows: Iterable<Row>): Promise<Landing> {
    if (typeof rows !== 'object' || rows === null || !(Symbol.iterator in rows))
      throw new MisuseError(
        `land() takes a list of rows, each with id, time and values; got ${display(rows)}.`,
      );
    this.#requirePushed();
    const { view, lane, badTime, telemetry } = this.#options;
    const batch = new Batch(badTime, rows);
    const landing = await telemetry.landing({ view, lane }, batch.rows.length, () => this.#land(batch));
    telemetry.landed({ view, lane }, landing.outcomes);
    for (const outcome of landing.outcomes) this.#stats[outcome] += 1;
    for (const error of landing.errors.values()) this.#following.refused(error);
    return landing;
  }

  async #land(batch: Batch<Row>): Promise<Landing> {
    for (const row of batch.rows) {
      if (this.#onTheWay >= MOST_ROWS) await this.#room();
      this.#requireGoing();
      this.#add(row, batch);
    }
    return batch.done();
  }

  /**
   * Lands the rows of a source's records, each together with its offset, so that every record is taken in once, whatever is
   * repeated or killed. `parse` makes the row of a record, several, or none, and may return a promise; a record for which it
   * throws, or whose row cannot be stored, is left out and reported, and the others go on; so is one that becomes more than
   * 1000 rows. Throws MisuseError, as for a second source, and for a lane in which rows were landed without one.
   */
  follow(source: Source, parse: ParseRecord<Row>, options: FollowLaneOptions = {}): Follower {
    const { lane } = this.#options;
    if (this.#hasLanded)
      throw new MisuseError(
        `Rows were landed in the lane "${lane}" without a source, so it cannot follow one; follow it in another lane.`,
      );
    this.#requireOpen();
    this.#requireUnfinished();
    return this.#following.follow(source, parse, {
      options,
      take: (read) => ({
        split: (record) => {
          const parsed = read(record.value, record);
          if (!isPromise(parsed)) return this.#piecesOf(parsed as Parsed<Row>);
          return Promise.resolve(parsed).then((each) => this.#piecesOf(each as Parsed<Row>));
        },
      }),
      onRefused: () => {
        this.#stats.refused += 1;
      },
    });
  }

  /**
   * Notes that the lane has landed all that it will have, as a nightly batch has at its end: a generation waits for that before
   * it takes the place of another. What is on its way lands first; nothing lands afterwards, until the lane is opened again.
   * Throws StaleTokenError, GenerationEndedError, MisuseError while a source is followed, UnavailableError: call it again.
   */
  async finish(): Promise<void> {
    const { partitions, ownership, generation, lane, patience } = this.#options;
    this.#requireOpen();
    if (this.#following.isFollowing) {
      throw new MisuseError(
        `The lane "${lane}" follows a source, which may have more; stop the follower, or wait until it is done, and then call finish().`,
      );
    }
    this.#isFinished = true;
    this.flush();
    await this.#answered();
    const deadline = this.#options.clock.now() + patience;
    for (const partition of partitions) {
      for (;;) {
        this.#requireGoing();
        const mark = ownership.markIn(partition.number);
        const claim = { generation, lane, mark, source: '', sourceMark: '' };
        const reply = await partition.call(partition.verbs.finish, claim);
        if (reply.word === 'finished') break;
        if (reply.word === 'stale' && ownership.markIn(partition.number) === mark)
          throw ownership.depose(reply.detail);
        if (reply.word === 'retired') throw new GenerationEndedError(lane, generation);
        if (reply.word !== 'closed') await ownership.reopen(partition, mark);
        else if (this.#options.clock.now() > deadline) throw closedError(generation, partition.number);
        else {
          await ownership.relieve(partition);
          await pause(this.#options.clock, PAUSE, this.#ending.signal);
        }
      }
    }
  }

  /** Sends what has been gathered, without waiting for company. */
  flush(): void {
    for (const bucket of this.#buckets) bucket.flush();
  }

  /**
   * Lands nothing more, and resolves when what is on its way is answered, and what the lane has read of its source has landed.
   * `signal` ends the waiting: what is on its way is then given up, and may have landed. Never rejects.
   */
  async close({ signal }: StopOptions = {}): Promise<void> {
    const { view, lane } = this.#options;
    this.#isClosing = true;
    this.flush();
    const giveUp = (): void => this.#end(abortedLane(view, lane));
    const leave = onAbort(signal, giveUp);
    if (signal?.aborted) giveUp();
    await this.#following.drain(signal);
    await this.#answered();
    leave();
    giveUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Resolves when nothing is on its way, or the lane has ended. */
  async #answered(): Promise<void> {
    while (this.#onTheWay > 0 && !this.#ending.signal.aborted)
      await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** For a call that begins. */
  #requireOpen(): void {
    const { view, lane } = this.#options;
    if (this.#isClosing) throw closedLane(view, lane);
    this.#ending.signal.throwIfAborted();
  }

  /** For a call that is under way. */
  #requireGoing(): void {
    const { view, lane } = this.#options;
    this.#ending.signal.throwIfAborted();
    if (this.#isClosing) throw abortedLane(view, lane);
  }

  #requireUnfinished(): void {
    if (!this.#isFinished) return;
    throw new MisuseError(
      `The lane "${this.#options.lane}" was finished, so it has all that it will have; open it again to land more.`,
    );
  }

  #requirePushed(): void {
    const { lane, ownership } = this.#options;
    this.#requireOpen();
    this.#requireUnfinished();
    if (ownership.isShared)
      throw new MisuseError(
        `The lane "${lane}" is shared: it follows a source, and nothing else lands in it.`,
      );
    if (this.#following.hasBegun) throw followedLane(lane);
    this.#hasLanded = true;
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

  #piecesOf(parsed: Parsed<Row>): readonly Piece[] {
    if (parsed === null || parsed === undefined) return [];
    const rows: readonly Row[] = Array.isArray(parsed) ? parsed : [parsed as Row];
    return rows.map((row) => {
      const content = this.#options.encode(row);
      return { partition: content.partition, content };
    });
  }

  async #send({ partition, claim, span, pieces, source }: Parcel): Promise<Landed | LaneRefusal> {
    const { rank, ahead, history, parts, verb, view, lane, telemetry } = this.#options;
    const token = Number(claim.sourceMark.split(' ', 1)[0]);
    const { turn } = turnOf(claim.sourceMark);
    const ids: string[] = [];
    const rows: Uint8Array[] = [];
    for (const { offset, content } of pieces) {
      const { id, finish } = content as EncodedRow;
      ids.push(id);
      rows.push(finish({ rank, token, turn, source, sequence: offset[0], second: offset[1] }));
    }
    const request = { ...claim, ...span, ahead, history, parts, ids, rows };
    const sent = { partition: partition.number, rows: rows.length, traces: pieces.map(({ trace }) => trace) };
    const reply = await telemetry.call({ view, lane }, sent, () =>
      partition.call(partition.verbs[verb], request),
    );
    if (reply.word === 'landed') {
      const outcomes = Array.from(reply.verdicts, (verdict) => OUTCOMES[verdict] ?? 'refused');
      telemetry.landed({ view, lane }, outcomes);
      for (const [place, verdict] of [...reply.verdicts].entries()) {
        this.#stats[outcomes[place] ?? 'refused'] += 1;
        if (verdict === 'f')
          this.#following.refused(new RowError(this.#options.view, 'time', 'not in the future', ''));
      }
    }
    return reply;
  }

  /** Rows of one opening are numbered, so that the later one wins where event times are equal. */
  #originIn(partition: number): RowOrigin {
    const { rank, holder, ownership } = this.#options;
    const mark = ownership.markIn(partition);
    let known = this.#turns[partition];
    if (known?.mark !== mark) {
      known = { mark, ...turnOf(mark) };
      this.#turns[partition] = known;
    }
    const { turn, instance } = known;
    this.#count += 1;
    const sequence = instance * 2 ** 20 + Math.floor(this.#count / 2 ** 32);
    return { rank, token: holder?.token ?? 0, turn, source: 0, sequence, second: this.#count >>> 0 };
  }

  #room(): Promise<void> {
    this.flush();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #left(rows: number): void {
    this.#onTheWay -= rows;
    if (this.#onTheWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#waiting.length === 0 || this.#onTheWay >= MOST_ROWS) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #end(reason: unknown): void {
    this.#ending.abort(reason);
    for (const leave of this.#leave.splice(0)) leave();
    for (const resolve of [...this.#waiting.splice(0), ...this.#idle.splice(0)]) resolve();
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
