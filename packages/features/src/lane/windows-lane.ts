/**
 * A lane of windows: events of a source are summed up for each entity and tile, and the sums are added in Redis.
 *
 * Guarantees: each event is counted once, whatever is repeated, taken over or lost, because the offset of the source is stored
 * by the call that adds. An event that is older than the ring reaches back is late: it is counted as such, and nothing else
 * happens. One that does not fit the schema, or that cannot be counted, is reported, and the others go on.
 */
import { type Clock, onAbort, type Random } from '@holdfast/kernel';
import { partitionOf } from '@holdfast/redis';
import type { WindowsView } from '../definition/windows.js';
import { RowError } from '../errors.js';
import { joinRows } from '../row/pack.js';
import type { Source, SourceRecord } from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { Landed, LaneRefusal } from '../store/verbs.js';
import { type Telemetry, traceOf } from '../telemetry.js';
import { contributionOf } from '../window/events.js';
import { emptyRing, writeRing } from '../window/ring.js';
import { Sums } from '../window/sums.js';
import type { Contribution } from '../window/tile.js';
import type { Follower, StopOptions } from './follow.js';
import {
  abortedLane,
  closedLane,
  Following,
  type FollowLaneOptions,
  type FollowStats,
  isPromise,
  type ReadRecord,
} from './following.js';
import type { LaneHolder, Ownership } from './ownership.js';
import { type Gathered, type GatheredFor, type Gathering, type Parcel, requireFew } from './parts.js';

/** What became of events since the lane was opened: `late` and `refused` count sums of events, and records that were left out. */
export interface WindowsStats extends FollowStats {
  /** Sums of events of one entity and tile that were added. */
  readonly added: number;
  readonly late: number;
  /** Sums of events of entities that were erased. */
  readonly erased: number;
  readonly refused: number;
}

/** The event of a record, several, or none, or a promise of that. Throws, or rejects, for a record that cannot be read. */
export type ParseEvent = (value: unknown, record: SourceRecord) => unknown;

export interface WindowsLaneOptions {
  readonly partitions: readonly Partition[];
  readonly ownership: Ownership;
  /** Undefined for a lane that several processes share. */
  readonly holder: LaneHolder | undefined;
  readonly view: WindowsView;
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly lane: string;
  readonly history: boolean;
  /** As that of FollowParts. */
  readonly isAwaited: () => Promise<boolean>;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/** Sums that one call carries. */
const MOST = 128;

/** Traces of records to which the span of a call links. */
const MOST_TRACES = 64;

/** The events of a call, summed up. */
class Summed implements Gathered {
  readonly sums: Sums;
  readonly traces: string[] = [];
  readonly #source: number;
  readonly #isTraced: boolean;

  constructor(view: WindowsView, source: number, isTraced: boolean) {
    this.sums = new Sums(view);
    this.#source = source;
    this.#isTraced = isTraced;
  }

  get weight(): number {
    return this.sums.count;
  }

  add(id: string, contribution: Contribution, record: SourceRecord): void {
    this.sums.add(id, contribution, this.#source);
    if (!this.#isTraced || this.traces.length >= MOST_TRACES) return;
    const trace = traceOf(record.value);
    if (trace !== undefined) this.traces.push(trace);
  }
}

export class WindowsLane {
  readonly #options: WindowsLaneOptions;
  readonly #ending = new AbortController();
  readonly #leave: readonly (() => void)[];
  readonly #head: Uint8Array;
  readonly #stats = { added: 0, late: 0, erased: 0, refused: 0 };
  readonly #following: Following;
  #isClosed = false;

  constructor(options: WindowsLaneOptions) {
    this.#options = options;
    const { view, holder, ownership, partitions, generation, lane, clock, telemetry } = options;
    this.#head = writeRing(emptyRing(view), view).subarray(0, 16);
    this.#following = new Following({
      view: view.name,
      ...{ partitions, ownership, generation, lane, clock, random: options.random, telemetry },
      ...{ signal: this.#ending.signal, most: MOST, isAwaited: options.isAwaited },
      send: (parcel) => this.#send(parcel),
    });
    this.#leave = [holder?.signal, ownership.signal].map((signal) =>
      onAbort(signal, () => this.#end(signal?.reason)),
    );
    if (holder?.signal?.aborted) this.#end(holder.signal.reason);
  }

  /** Aborts when nothing more can be added: with the lane deposed, the holder's right ended, or the lane closed. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  stats(): WindowsStats {
    return { ...this.#stats, ...this.#following.stats() };
  }

  /**
   * Counts the events of a source. `parse` makes the event of a record, several, or none, and may return a promise; each is then
   * checked against the schema of the view. A record for which it throws, whose event does not fit, or that becomes more than
   * 1000 events is left out and reported, and the others go on. Throws MisuseError, as for a second source.
   */
  follow(source: Source, parse: ParseEvent, options: FollowLaneOptions = {}): Follower {
    const { view, lane } = this.#options;
    if (this.#isClosed) throw closedLane(view.name, lane);
    this.#ending.signal.throwIfAborted();
    return this.#following.follow(source, parse, {
      options,
      take: (read) => this.#gathering(read),
      onRefused: () => {
        this.#stats.refused += 1;
      },
    });
  }

  /** As that of a lane of rows. */
  async close({ signal }: StopOptions = {}): Promise<void> {
    const { view, lane } = this.#options;
    const giveUp = (): void => this.#end(abortedLane(view.name, lane));
    this.#isClosed = true;
    const leave = onAbort(signal, giveUp);
    if (signal?.aborted) giveUp();
    await this.#following.drain(signal);
    leave();
    giveUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #gathering(read: ReadRecord): Gathering {
    const { view, telemetry } = this.#options;
    return {
      make: (source) => new Summed(view, source, telemetry.isHeard()),
      add: (record, of) => {
        const parsed = read(record.value, record);
        if (!isPromise(parsed)) return this.#take(parsed, record, of);
        return Promise.resolve(parsed).then((each) => this.#take(each, record, of));
      },
    };
  }

  #take(parsed: unknown, record: SourceRecord, of: GatheredFor): void | Promise<void> {
    const { view } = this.#options;
    if (parsed === null || parsed === undefined) return;
    if (Array.isArray(parsed)) return this.#addAll(parsed, record, of);
    const judged = view.events.schema['~standard'].validate(parsed);
    if (judged instanceof Promise)
      return judged.then((each) => this.#contribute(eventOf(view, each, parsed), record, of));
    this.#contribute(eventOf(view, judged, parsed), record, of);
  }

  /** All events of a record, or none. */
  #addAll(events: readonly unknown[], record: SourceRecord, of: GatheredFor): void | Promise<void> {
    const { view } = this.#options;
    requireFew(events.length);
    const checked = events.map((each) => view.events.schema['~standard'].validate(each));
    const addAll = (all: readonly Judged[]): void => {
      const [sequence, second] = record.offset;
      const counted = all.map((judged, index) =>
        contributionOf(view, eventOf(view, judged, events[index]), { source: 0, sequence, second, index }),
      );
      for (const each of counted) this.#add(each, record, of);
    };
    if (checked.some((each) => each instanceof Promise)) return Promise.all(checked).then(addAll);
    addAll(checked as readonly Judged[]);
  }

  #contribute(event: unknown, record: SourceRecord, of: GatheredFor): void {
    const [sequence, second] = record.offset;
    const place = { source: 0, sequence, second, index: 0 };
    this.#add(contributionOf(this.#options.view, event, place), record, of);
  }

  #add({ place, contribution }: ReturnType<typeof contributionOf>, record: SourceRecord, of: GatheredFor) {
    const partition = partitionOf(place.by, this.#options.partitions.length);
    (of(partition) as Summed | undefined)?.add(place.id, contribution, record);
  }

  async #send({ partition, claim, span, pieces }: Parcel): Promise<Landed | LaneRefusal> {
    const { view, lane, history, telemetry } = this.#options;
    const summed = pieces.map(({ content }) => content as Summed);
    const ids = summed.flatMap(({ sums }) => sums.ids);
    const traces = summed.flatMap((each) => each.traces).slice(0, MOST_TRACES);
    const ring = {
      head: this.#head,
      latest: view.plan.latest,
      ahead: view.ahead * 1_000,
      history,
      parts: view.entity.parts,
    };
    const name = { view: view.name, lane };
    const sent = { partition: partition.number, rows: ids.length, traces };
    const additions = joinRows(summed.map(({ sums }) => sums.packed()));
    const request = { ...claim, ...span, ...ring, ids, additions };
    const reply = await telemetry.call(name, sent, () => partition.call(partition.verbs.tally, request));
    if (reply.word === 'landed') {
      const outcomes = Array.from(reply.verdicts, (verdict) => OUTCOMES[verdict] ?? 'refused');
      telemetry.landed(name, outcomes);
      for (const outcome of outcomes) this.#stats[outcome] += 1;
    }
    return reply;
  }

  #end(reason: unknown): void {
    this.#ending.abort(reason);
    for (const leave of this.#leave ?? []) leave();
  }
}

const OUTCOMES: Readonly<Record<string, 'added' | 'late' | 'erased' | 'refused'>> = {
  a: 'added',
  l: 'late',
  x: 'erased',
};

type Judged = Awaited<ReturnType<WindowsView['events']['schema']['~standard']['validate']>>;

/** The event, as the schema returns it. Throws RowError. */
function eventOf({ name }: WindowsView, judged: Judged, event: unknown): unknown {
  if (!judged.issues) return judged.value;
  const issues = judged.issues.map(({ message }) => message).join('; ');
  throw new RowError(name, 'the event', `one that fits its schema (${issues})`, event);
}
