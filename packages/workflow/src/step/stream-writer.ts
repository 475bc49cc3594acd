/**
 * What an attempt of a step writes to streams of its run, as it writes it: token after token of a model, line after line.
 *
 * Guarantees: chunks are in the stream in the order of the writes, none left out and none twice, under the attempt's token: an
 * answer that was lost is asked for again, and the index of each chunk tells what is there. One call of a stream is under way
 * at a time; what is written meanwhile goes with the next. `write` resolves while little waits to be sent, and otherwise when
 * there is room again, so a body that awaits it is never far ahead. Once the attempt is over, or the run is owned by another,
 * every write rejects. `flush` rejects if a chunk is not in the stream, unless the body was told so by the write that refused it.
 */
import { type Clock, HoldfastError, type LeaseLostError, pause } from '@holdfast/kernel';
import { encodeValue } from '../json.js';
import type { Appended } from '../store/stream-store.js';

/** What a body has of a stream. */
export interface StepStream {
  /**
   * Adds a chunk, any JSON of up to 65,536 bytes. Resolves when there is room for the next; await it. What is written is in
   * the stream before the step is done. Rejects with MisuseError, which fails the attempt if nobody awaits the write, and with
   * LeaseLostError once the attempt is over.
   */
  write(chunk: unknown): Promise<void>;
}

/** Adds chunks to a stream: the first has that index among those of the attempt. */
export type Append = (stream: string, index: number, chunks: readonly string[]) => Promise<Appended>;

export interface StreamWriterOptions {
  readonly clock: Clock;
  readonly name: string;
  readonly append: Append;
  /** Why nothing may be written any more; undefined while it may. */
  readonly over: () => Error | undefined;
  /** The error of a run that is owned by another. */
  readonly lost: () => LeaseLostError;
}

const LARGEST_CHUNK = 65_536;
/** Chunks of one call. */
const BATCH = 100;
/** Chunks that may wait to be sent, and their bytes: a batch under way and the next. */
const MOST = 2 * BATCH;
const MOST_BYTES = 262_144;

/** The promise of a write that was refused. Awaiting it, or asking for its end otherwise, is to be told. */
class Refusal extends Promise<never> {
  readonly #onTold: () => void;

  /** What follows from it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(error: unknown, onTold: () => void) {
    super((_, reject) => reject(error));
    this.#onTold = onTold;
    super.then(undefined, () => {}); // one that nobody awaits ends no process
  }

  // biome-ignore lint/suspicious/noThenProperty: that it is called is how one learns that somebody awaits the promise.
  override then<A = never, B = never>(
    onDone?: ((value: never) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#onTold();
    return super.then(onDone, onError);
  }
}

export class StreamWriter implements StepStream {
  readonly #options: StreamWriterOptions;
  #waiting: string[] = [];
  #bytes = 0;
  /** Chunks that are in the stream, and are of this attempt. */
  #written = 0;
  #sending: Promise<void> | undefined;
  #error: Error | undefined;
  /** Why chunks were refused, of writes that nobody awaits so far. */
  readonly #untold = new Set<unknown>();
  #onRoom: (() => void)[] = [];

  constructor(options: StreamWriterOptions) {
    this.#options = options;
  }

  write(chunk: unknown): Promise<void> {
    let text: string;
    try {
      text = encodeValue(chunk, `A chunk of the stream "${this.#options.name}"`, LARGEST_CHUNK);
    } catch (error) {
      this.#untold.add(error);
      return new Refusal(error, () => this.#untold.delete(error));
    }
    const written = this.#write(text);
    written.catch(() => {}); // a body that does not await it is told by the end of its step
    return written;
  }

  /** Resolves when all that was written is in the stream. Rejects if it is not, and the body does not know. */
  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
    if (this.#error) throw this.#error;
    for (const error of this.#untold) throw error;
  }

  async #write(text: string): Promise<void> {
    const reason = this.#error ?? this.#options.over();
    if (reason) throw reason;
    this.#waiting.push(text);
    this.#bytes += text.length;
    this.#sending ??= this.#send();
    if (!this.#isFull) return;
    await new Promise<void>((resolve) => this.#onRoom.push(resolve));
    if (this.#error) throw this.#error;
  }

  get #isFull(): boolean {
    return this.#waiting.length >= MOST || this.#bytes >= MOST_BYTES;
  }

  /** Never rejects: what went wrong is kept for those who write. */
  async #send(): Promise<void> {
    // What is written in the same turn goes with the first call.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#error) {
      const batch = this.#waiting.slice(0, batchOf(this.#waiting));
      try {
        await this.#append(batch);
      } catch (error) {
        this.#error = error as Error;
        break;
      }
      this.#waiting.splice(0, batch.length);
      this.#bytes -= batch.reduce((sum, { length }) => sum + length, 0);
      if (!this.#isFull) this.#hasRoom();
    }
    this.#sending = undefined;
    this.#hasRoom();
  }

  #hasRoom(): void {
    for (const resolve of this.#onRoom.splice(0)) resolve();
  }

  async #append(batch: readonly string[]): Promise<void> {
    const { clock, name, append, over, lost } = this.#options;
    for (let tries = 0; ; tries += 1) {
      const reason = over();
      if (reason) throw reason;
      try {
        const { word } = await append(name, this.#written, batch);
        if (word !== 'appended') throw lost();
        this.#written += batch.length;
        return;
      } catch (error) {
        // The index makes a repetition harmless.
        if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_UNAVAILABLE') throw error;
      }
      await pause(clock, Math.min(1_000, 20 * 2 ** Math.min(tries, 6)));
    }
  }
}

/** How many of them one call carries. */
function batchOf(waiting: readonly string[]): number {
  let bytes = 0;
  for (const [index, { length }] of waiting.entries()) {
    bytes += length;
    if (index > 0 && (bytes > MOST_BYTES || index === BATCH)) return index;
  }
  return waiting.length;
}
