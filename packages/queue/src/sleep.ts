/**
 * Sleeping until there may be something to do: a read of the queue's streams that waits, on a connection of its own.
 *
 * Guarantees: a read from where all has been seen misses nothing, because the read is answered at once if something
 * came meanwhile. A read that should have been answered long ago is given up with its connection, which may be half open.
 */
import { type Clock, pause, type Timer, within } from '@holdfast/kernel';
import type { Connection } from '@holdfast/redis';
import type { QueueKeys } from './keys.js';
import type { QueuePort } from './port.js';

/** The longest that a read waits, in ms. */
const LONGEST = 5_000;

/** How long its answer may be on its way, in ms. */
const PATIENCE = 2_000;

/** How long after a failed read the next may follow, in ms. */
const PAUSE = 200;

export class Sleep {
  readonly #keys: QueueKeys;
  readonly #clock: Clock;
  readonly #connection: Connection;
  #opening: Promise<void> | undefined;
  #asleep = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(port: QueuePort) {
    this.#keys = port.keys;
    this.#clock = port.clock;
    this.#connection = port.connectAlone();
  }

  /** Calls `wake` when something came behind `last` ('<level> <entry> ...'), and in `wait` ms if that is not negative. */
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
    this.#connection.close();
  }

  /** Resolves when something came, or after a while. */
  async #read(last: readonly string[]): Promise<void> {
    const streams: string[] = [];
    const entries: string[] = [];
    for (let index = 0; index < last.length; index += 2) {
      const name = last[index] ?? '';
      streams.push(name === 'w' ? this.#keys.of('wake') : this.#keys.stream(Number(name)));
      entries.push(last[index + 1] ?? '0-0');
    }
    try {
      this.#opening ??= this.#connection.open();
      await this.#opening;
      if (this.#connection.unready !== undefined) throw new Error(this.#connection.unready);
      const args = ['BLOCK', String(LONGEST), 'COUNT', '1', 'STREAMS', ...streams, ...entries];
      const read = this.#connection.send('XREAD', args);
      await within(this.#clock, LONGEST + PATIENCE, read, 'did not answer');
    } catch {
      if (this.#closed) return;
      if (this.#connection.unready === undefined) this.#connection.restart();
      await pause(this.#clock, PAUSE);
    }
  }
}
