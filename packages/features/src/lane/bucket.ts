/**
 * The rows of a lane that are on their way to one partition: gathered into calls, and sent until they are answered.
 *
 * Guarantees: a call carries at most 128 rows or 256 KB, and goes out when it is full, or 2 ms after its first row; at most
 * two are in flight. A call that was not answered is sent again, which does no harm: a row that is there already is
 * recognised as the same. Every row is settled once.
 */
import { type Clock, pause, type Timer, UnavailableError } from '@holdfast/kernel';
import { GenerationEndedError } from '../errors.js';
import type { Partition } from '../store/partition.js';
import type { LandRequest } from '../store/verbs.js';
import type { Telemetry } from '../telemetry.js';
import { followedLane } from './following.js';
import { closedError, type Ownership } from './ownership.js';

/** The verb by which rows are landed. */
export type LandVerb = 'land' | 'flag';

/** Told about each row, with its letter, or the error for which it was not landed. */
export interface RowListener {
  landed(index: number, verdict: string): void;
  failed(index: number, error: Error): void;
}

export interface BucketOptions {
  readonly partition: Partition;
  readonly ownership: Ownership;
  readonly view: string;
  readonly generation: string;
  readonly lane: string;
  /** In microseconds. */
  readonly ahead: number;
  readonly history: boolean;
  readonly parts: readonly string[];
  readonly verb: LandVerb;
  /** For how long a call is repeated while the server is away, in ms. */
  readonly patience: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Aborts when nothing more can be landed. */
  readonly signal: AbortSignal;
  /** Called when so many rows have left the bucket. */
  readonly onRoom: (rows: number) => void;
}

const MOST_ROWS = 128;
const MOST_BYTES = 256 * 1_024;
const DELAY = 2;
/** By verb. What has no event time has the order of its calls, and one that is repeated would come after the next. */
const MOST_IN_FLIGHT: Readonly<Record<LandVerb, number>> = { land: 2, flag: 1 };
/** The pause before a call is repeated, in ms. */
const PAUSE = 50;

class LandCall {
  readonly ids: string[] = [];
  readonly rows: Uint8Array[] = [];
  readonly listeners: RowListener[] = [];
  readonly indexes: number[] = [];
  bytes = 0;

  get isFull(): boolean {
    return this.ids.length >= MOST_ROWS || this.bytes >= MOST_BYTES;
  }
}

export class Bucket {
  readonly #options: BucketOptions;
  #next: LandCall | undefined;
  #timer: Timer | undefined;
  readonly #ready: LandCall[] = [];
  #inFlight = 0;

  constructor(options: BucketOptions) {
    this.#options = options;
  }

  add(id: string, row: Uint8Array, listener: RowListener, index: number): void {
    this.#next ??= new LandCall();
    const call = this.#next;
    call.ids.push(id);
    call.rows.push(row);
    call.listeners.push(listener);
    call.indexes.push(index);
    call.bytes += row.length;
    if (call.isFull) this.flush();
    else this.#timer ??= this.#options.clock.after(DELAY, () => this.flush());
  }

  /** Sends what has been gathered, as soon as there is room. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#next !== undefined) this.#ready.push(this.#next);
    this.#next = undefined;
    this.#pump();
  }

  #pump(): void {
    while (this.#inFlight < MOST_IN_FLIGHT[this.#options.verb]) {
      const call = this.#ready.shift();
      if (call === undefined) return;
      this.#inFlight += 1;
      void this.#carry(call);
    }
  }

  async #carry(call: LandCall): Promise<void> {
    const { onRoom } = this.#options;
    try {
      const verdicts = await this.#land(call);
      call.listeners.forEach((listener, place) => {
        listener.landed(call.indexes[place] ?? 0, verdicts[place] ?? '');
      });
    } catch (error) {
      for (const [place, listener] of call.listeners.entries())
        listener.failed(call.indexes[place] ?? 0, error as Error);
    } finally {
      this.#inFlight -= 1;
      onRoom(call.ids.length);
      this.#pump();
    }
  }

  /** The verdicts. Throws StaleTokenError, UnavailableError, MisuseError. */
  async #land(call: LandCall): Promise<string> {
    const { partition, ownership, view, generation, lane, patience, clock, verb, telemetry, signal } =
      this.#options;
    const deadline = clock.now() + patience;
    for (;;) {
      signal.throwIfAborted();
      try {
        const mark = ownership.markIn(partition.number);
        const sent = { partition: partition.number, rows: call.ids.length };
        const reply = await telemetry.call({ view, lane }, sent, () =>
          partition.call(partition.verbs[verb], this.#request(call, mark)),
        );
        if (reply.word === 'landed') return reply.verdicts;
        // Another call of this lane may have opened it again since this one left.
        if (reply.word === 'stale' && ownership.markIn(partition.number) === mark)
          throw ownership.depose(reply.detail);
        if (reply.word === 'retired') throw this.#ended();
        if (reply.word === 'followed') throw followedLane(lane);
        if (reply.word === 'closed') {
          if (clock.now() > deadline) throw closedError(generation, partition.number);
          await ownership.relieve(partition);
        } else await ownership.reopen(partition, mark);
      } catch (error) {
        if (!(error instanceof UnavailableError) || clock.now() > deadline) throw error;
      }
      await pause(clock, PAUSE, signal);
    }
  }

  #request({ ids, rows }: LandCall, mark: string): LandRequest {
    const { generation, lane, ahead, history, parts } = this.#options;
    return {
      ...{ generation, lane, mark, ids, rows, ahead, history, parts },
      ...{ source: '', sourceMark: '', after: '', through: '' },
    };
  }

  #ended(): GenerationEndedError {
    const { ownership, generation, lane } = this.#options;
    const error = new GenerationEndedError(lane, generation);
    ownership.end(error);
    return error;
  }
}
