/**
 * A connection for commands that wait at the server until there is something to answer.
 *
 * Guarantees: an answer that should have come long ago is given up with its connection, which may be half open. After a
 * failure, `recover` gives the server a moment before the next command.
 */
import { type Clock, pause, within } from '@holdfast/kernel';
import type { Connection, Reply } from './connection.js';

/** How long an answer may be on its way, in ms. */
const PATIENCE = 2_000;

/** How long after a failure the next command may follow, in ms. */
const PAUSE = 200;

export class BlockingConnection {
  readonly #connection: Connection;
  readonly #clock: Clock;
  #opening: Promise<void> | undefined;

  /** `connection` is one that nobody shares, not open yet; it is closed with this. */
  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /**
   * Resolves to the answer to a command that waits for at most `longest` ms. Rejects when the server is away or does not
   * answer, and once this is closed.
   */
  async send(command: string, args: readonly string[], longest: number): Promise<Reply> {
    this.#opening ??= this.#connection.open();
    await this.#opening;
    if (this.#connection.unready !== undefined) throw new Error(this.#connection.unready);
    const reply = this.#connection.send(command, args);
    return await within(this.#clock, longest + PATIENCE, reply, 'did not answer');
  }

  /** After a failure: resolves when the next command may follow, or `signal` aborts. */
  async recover(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (this.#connection.unready === undefined) this.#connection.restart();
    await pause(this.#clock, PAUSE, signal);
  }

  close(): void {
    this.#connection.close();
  }
}
