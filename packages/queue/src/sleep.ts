/**
 * Sleeping until there may be something to do: a blocking read of the queue's streams, on a connection of its own.
 *
 * Guarantees: those of a StreamReader. No entry that comes after `last` is slept through.
 */
import type { Clock, Timer } from '@holdfast/kernel';
import { StreamReader } from '@holdfast/redis';
import type { QueueKeys } from './keys.js';
import type { QueuePort } from './port.js';

export class Sleep {
  readonly #keys: QueueKeys;
  readonly #clock: Clock;
  readonly #reader: StreamReader;
  #asleep = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(port: QueuePort) {
    this.#keys = port.keys;
    this.#clock = port.clock;
    this.#reader = new StreamReader(port.connectAlone(), port.clock);
  }

  /**
   * Calls `wake` when an entry comes after `last` ('<level> <entry> ...'), and after `wait` ms if that is not negative.
   */
  until(last: string, wait: number, wake: () => void): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    if (wait >= 0) this.#timer = this.#clock.after(Math.max(1, wait), wake, { keepAlive: false });
    if (this.#asleep) return;
    this.#asleep = true;
    void this.#read(last.split(' ')).then(() => {
      this.#asleep = false;
      if (!this.#closed) wake();
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#reader.close();
  }

  /** Resolves when an entry has come, or after a while. */
  async #read(last: readonly string[]): Promise<void> {
    const streams: string[] = [];
    const entries: string[] = [];
    for (let index = 0; index < last.length; index += 2) {
      const name = last[index] ?? '';
      streams.push(name === 'w' ? this.#keys.of('wake') : this.#keys.stream(Number(name)));
      entries.push(last[index + 1] ?? '0-0');
    }
    try {
      await this.#reader.read(streams, entries, 1);
    } catch {
      if (!this.#closed) await this.#reader.recover();
    }
  }
}
