/**
 * Sleeping until there may be something to do: waiting for the queue's bell, on a connection that the
 * queues of a worker share, or for a time.
 *
 * The bell wakes one worker, which has slept longest. If that one is gone before it has
 * asked for work, the others hear of it with the renewals of their sessions.
 */
import type { Clock, Timer } from '@holdfast/kernel';
import type { ListSource } from '@holdfast/redis';
import type { QueuePort } from './port.js';

export class Sleep {
  readonly #bell: string;
  readonly #clock: Clock;
  readonly #reader: ListSource;
  #asleep = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(port: QueuePort, reader: ListSource) {
    this.#bell = port.keys.of('bell');
    this.#clock = port.clock;
    this.#reader = reader;
  }

  /** Whether the bell may wake this sleeper. */
  get listens(): boolean {
    return this.#asleep;
  }

  /** Calls `wake` after `wait` ms if that is not negative, and, if it `listens`, when the bell wakes this sleeper. */
  until({ wait, listens }: { readonly wait: number; readonly listens: boolean }, wake: () => void): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    if (wait >= 0) this.#timer = this.#clock.after(Math.max(1, wait), wake, { keepAlive: false });
    if (this.#asleep || !listens) return;
    this.#asleep = true;
    void this.#listen().then(() => {
      this.#asleep = false;
      if (!this.#closed) wake();
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#reader.close();
  }

  /** Resolves when the bell has woken this sleeper, or may have. */
  async #listen(): Promise<void> {
    while (!this.#closed) {
      try {
        if (await this.#reader.pop(this.#bell)) return;
      } catch {
        if (this.#closed) return;
        await this.#reader.recover();
        return; // what has rung meanwhile may be lost
      }
    }
  }
}
