/**
 * Hears of tasks that were cancelled while their handlers run: reads a stream of them, on a connection that the
 * queues of a worker share.
 *
 * Guarantees: while a task runs for longer than a moment, its cancellation is heard of as soon as Redis can tell. What is
 * missed, because Redis was away or the stream was trimmed, comes with the renewals of the session. Short tasks cost
 * nothing: a cancelled one ends as such with its delivery.
 */
import type { Timer } from '@holdfast/kernel';
import type { StreamSource } from '@holdfast/redis';
import type { QueuePort } from './port.js';
import type { CancelledDelivery } from './verbs.js';

/** How long a task has been running before anybody listens, in ms. */
const SHORT = 100;

/** How many are read at a time. */
const MOST = 100;

export interface CancellationOptions {
  readonly port: QueuePort;
  /** Makes a reader of streams. */
  readonly reader: () => StreamSource;
  /** The delivery that began first of those that have not ended. */
  readonly oldest: () => object | undefined;
  readonly onCancelled: (cancelled: readonly CancelledDelivery[]) => void;
}

export class Cancellation {
  readonly #options: CancellationOptions;
  /** Opened for the first task that is not short. */
  #reader: StreamSource | undefined;
  #timer: Timer | undefined;
  #isReading = false;
  #isClosed = false;
  #last = '0-0';

  constructor(options: CancellationOptions) {
    this.#options = options;
  }

  /** Called when a task begins. */
  begun(): void {
    if (this.#isReading || this.#timer !== undefined || this.#isClosed) return;
    const { port, oldest } = this.#options;
    const first = oldest();
    const look = (): void => {
      this.#timer = undefined;
      if (oldest() === undefined) return;
      if (oldest() === first) void this.#read();
      else this.begun();
    };
    this.#timer = port.clock.after(SHORT, look, { keepAlive: false });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#reader?.close();
  }

  /** Reads for as long as tasks run. */
  async #read(): Promise<void> {
    const { port, reader, oldest, onCancelled } = this.#options;
    this.#isReading = true;
    this.#reader ??= reader();
    while (oldest() !== undefined && !this.#isClosed) {
      try {
        const [entries = []] = await this.#reader.read([port.keys.of('cancels')], [this.#last], MOST);
        this.#last = entries.at(-1)?.[0] ?? this.#last;
        onCancelled(entries.map(([, [, place = '', , reason = '']]) => ({ place, reason })));
      } catch {
        if (!this.#isClosed) await this.#reader.recover();
      }
    }
    this.#isReading = false;
  }
}
