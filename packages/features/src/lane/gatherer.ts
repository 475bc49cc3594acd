/**
 * The records of a batch, gathered into calls: for each partition of the store one after the other, each until it is full.
 *
 * Guarantees: a call ends between two records, and has all of the records up to its end that are for its partition and were not
 * there already.
 */
import { compareOffsets, type Offset, type SourceRecord } from '../source/source.js';
import type { Gathered, GatheredFor, Gathering, Parcel } from './parts.js';

type Pieces = Parcel['pieces'][number][];

interface GathererOptions {
  /** The number of the source partition. */
  readonly source: number;
  /** How much a call carries, but for what the record brings with which it becomes full. */
  readonly most: number;
  /** How far a partition has taken the source in. */
  readonly takenBy: (partition: number) => Offset | undefined;
}

export class Gatherer {
  readonly #gathering: Gathering;
  readonly #options: GathererOptions;
  readonly #pieces = new Map<number, Pieces>();
  /** By partition: the call that is not full. */
  readonly #open: (Gathered | undefined)[] = [];
  /** Partitions to which the present record has brought something: the first so many. */
  readonly #touched: number[] = [];
  #count = 0;
  #offset: Offset = [0, 0];
  readonly #of: GatheredFor = (partition) => {
    if (compareOffsets(this.#offset, this.#options.takenBy(partition)) <= 0) return undefined;
    const gathered = this.#open[partition] ?? this.#gathering.make(this.#options.source);
    this.#open[partition] = gathered;
    this.#touched[this.#count] = partition;
    this.#count += 1;
    return gathered;
  };

  constructor(gathering: Gathering, options: GathererOptions) {
    this.#gathering = gathering;
    this.#options = options;
  }

  /** Throws, or rejects, for a record that cannot be read. */
  add(record: SourceRecord): void | Promise<void> {
    this.#offset = record.offset;
    return this.#gathering.add(record, this.#of);
  }

  /** Ends the calls that the present record has filled. */
  closeFull(): void {
    for (let at = 0; at < this.#count; at += 1) {
      const partition = this.#touched[at] as number;
      if ((this.#open[partition]?.weight ?? 0) >= this.#options.most) this.#close(partition);
    }
    this.#count = 0;
  }

  /** What was gathered: for each partition its calls, each with the offset with which it ends. */
  close(): ReadonlyMap<number, Pieces> {
    for (const partition of this.#open.keys()) this.#close(partition);
    return this.#pieces;
  }

  #close(partition: number): void {
    const content = this.#open[partition];
    if (content === undefined) return;
    const piece = { offset: this.#offset, content, index: 0, trace: undefined, weight: content.weight };
    const pieces = this.#pieces.get(partition);
    if (pieces) pieces.push(piece);
    else this.#pieces.set(partition, [piece]);
    this.#open[partition] = undefined;
  }
}
