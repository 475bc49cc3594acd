/**
 * A lane of windows: events of a source are summed up for each entity and tile, and the sums are added in Redis.
 *
 * Guarantees: each event is counted once, whatever is repeated, taken over or lost, because the offset of the source is stored
 * by the call that adds. An event that is older than the ring reaches back is late: it is counted as such, and nothing else
 * happens. One that does not fit the schema, or that cannot be counted, is reported, and the others go on.
 */
import { type Clock, MisuseError, onAbort } from '@holdfast/kernel';
import { partitionOf } from '@holdfast/redis';
import type { WindowsView } from '../definition/windows.js';
import { RowError } from '../errors.js';
import type { Offset, Source, SourceRecord } from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { Landed, LaneRefusal } from '../store/verbs.js';
import { additionsOf, contributionOf } from '../window/events.js';
import { emptyRing, writeAddition, writeRing } from '../window/ring.js';
import type { Contribution } from '../window/tile.js';
import { Follower, type Parcel, type Piece } from './follow.js';
import type { LaneHolder, Ownership } from './ownership.js';

/** What became of events since the lane was opened: `late` and `refused` count sums of events, and records that were left out. */
export interface WindowsStats {
  /** Sums of events of one entity and tile that were added. */
  readonly added: number;
  readonly late: number;
  readonly refused: number;
}

export interface FollowEventsOptions {
  /** The holder of a source partition, by its number. Default: the holder of the lane. */
  readonly hold?: (partition: number) => LaneHolder;
  /** Told of each record that was left out because it is no event that can be counted. Default: it is counted only. */
  readonly onUnreadable?: (error: unknown, record: SourceRecord) => void;
}

/** The event of a record, several, or none. Throws for a record that cannot be read. */
export type ParseEvent = (value: unknown, record: SourceRecord) => unknown;

export interface WindowsLaneOptions {
  readonly partitions: readonly Partition[];
  readonly ownership: Ownership;
  readonly holder: LaneHolder;
  readonly view: WindowsView;
  /** "<view>.<generation>". */
  readonly generation: string;
  readonly lane: string;
  readonly history: boolean;
  readonly clock: Clock;
}

/** Events that one call sums up at most. */
const MOST = 512;

/** An event on its way to its partition. */
interface Counted {
  readonly id: string;
  readonly contribution: Contribution;
}

export class WindowsLane {
  readonly #options: WindowsLaneOptions;
  readonly #ending = new AbortController();
  readonly #leave: readonly (() => void)[];
  readonly #head: Uint8Array;
  readonly #stats = { added: 0, late: 0, refused: 0 };

  constructor(options: WindowsLaneOptions) {
    this.#options = options;
    const { view, holder, ownership } = options;
    this.#head = writeRing(emptyRing(view), view).subarray(0, 16);
    this.#leave = [holder.signal, ownership.signal].map((signal) =>
      onAbort(signal, () => this.#end(signal?.reason)),
    );
    if (holder.signal?.aborted) this.#end(holder.signal.reason);
  }

  /** Aborts when nothing more can be added: with the lane deposed, the holder's right ended, or the lane closed. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  stats(): WindowsStats {
    return { ...this.#stats };
  }

  /** Counts the events of a source. `parse` makes the event of a record; it is then checked against the schema of the view. */
  follow(source: Source, parse: ParseEvent, options: FollowEventsOptions = {}): Follower {
    const { partitions, ownership, generation, lane, clock } = this.#options;
    return new Follower({
      ...{ source, partitions, ownership, generation, lane, clock, signal: this.#ending.signal, most: MOST },
      ownershipOf: (number) => ownership.ofSource(String(number), options.hold?.(number)),
      split: (record) => this.#split(parse, record),
      send: (parcel) => this.#send(parcel),
      onUnreadable: (error, record) => {
        this.#stats.refused += 1;
        options.onUnreadable?.(error, record);
      },
    });
  }

  /** Adds nothing more. What is on its way is answered all the same. */
  close(): void {
    const { view, lane } = this.#options;
    this.#end(new MisuseError(`The lane "${lane}" of the view "${view.name}" is closed; open it again.`));
  }

  #split(parse: ParseEvent, record: SourceRecord): readonly Piece[] {
    const { view, partitions } = this.#options;
    const parsed = parse(record.value, record);
    if (parsed === null || parsed === undefined) return [];
    const events: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    return events.map((each): Piece => {
      const event = checked(view, each);
      const at = { source: 0, sequence: sequenceOf(record.offset) };
      const { place, contribution } = contributionOf(view, event, at);
      const content: Counted = { id: place.id, contribution };
      return { partition: partitionOf(place.by, partitions.length), content };
    });
  }

  async #send({ partition, claim, span, pieces, source }: Parcel): Promise<Landed | LaneRefusal> {
    const { view, history } = this.#options;
    const byId = new Map<string, Contribution[]>();
    for (const { content } of pieces) {
      const { id, contribution } = content as Counted;
      const of = byId.get(id) ?? [];
      of.push({ ...contribution, source });
      byId.set(id, of);
    }
    const ids: string[] = [];
    const additions: Uint8Array[] = [];
    for (const [id, events] of byId) {
      for (const addition of additionsOf(view, events)) {
        ids.push(id);
        additions.push(writeAddition(addition, view.plan));
      }
    }
    const ring = { head: this.#head, latest: view.plan.latest, ahead: view.ahead * 1_000, history };
    const reply = await partition.call(partition.verbs.tally, { ...claim, ...span, ...ring, ids, additions });
    if (reply.word === 'landed')
      for (const verdict of reply.verdicts) this.#stats[OUTCOMES[verdict] ?? 'refused'] += 1;
    return reply;
  }

  #end(reason: unknown): void {
    this.#ending.abort(reason);
    for (const leave of this.#leave ?? []) leave();
  }
}

const OUTCOMES: Readonly<Record<string, keyof WindowsStats>> = { a: 'added', l: 'late' };

/** The event, as the schema returns it. Throws RowError. */
function checked({ name, events }: WindowsView, event: unknown): unknown {
  const judged = events.schema['~standard'].validate(event);
  if (judged instanceof Promise) {
    throw new MisuseError(
      `The schema of the events of "${name}" answers with a promise; take one that answers at once.`,
    );
  }
  if (!judged.issues) return judged.value;
  const issues = judged.issues.map(({ message }) => message).join('; ');
  throw new RowError(name, 'the event', `one that fits its schema (${issues})`, event);
}

/** Two numbers as one that rises with them: exact for times in milliseconds until 2039, with 4096 records in each. */
const sequenceOf = ([high, low]: Offset): number => high * 4_096 + Math.min(low, 4_095);
