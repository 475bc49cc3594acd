/**
 * Waiting for elements of a list, over a connection of its own: each goes to the one that has waited longest.
 *
 * Guarantees: those of a BlockingConnection. Not guaranteed: that an element is received that the server has given to a
 * connection that broke.
 */
import type { Clock } from '@holdfast/kernel';
import { BlockingConnection } from './blocking-connection.js';
import type { Connection } from './connection.js';

/** The longest time for which the server is asked to wait, in ms. */
const LONGEST = 20_000;

export class ListReader {
  readonly #blocking: BlockingConnection;

  /** `connection` is one that nobody shares, not open yet; it is closed with the reader. */
  constructor(connection: Connection, clock: Clock) {
    this.#blocking = new BlockingConnection(connection, clock);
  }

  /** Takes the first element of a list. Resolves to whether there was one: false if none has come for a while. */
  async pop(list: string): Promise<boolean> {
    return (await this.#blocking.send('BLPOP', [list, String(LONGEST / 1_000)], LONGEST)) !== null;
  }

  /** After a failure: resolves when the next call may follow. */
  recover(): Promise<void> {
    return this.#blocking.recover();
  }

  close(): void {
    this.#blocking.close();
  }
}
