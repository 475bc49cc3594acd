/**
 * Messages of a run: the n-th receipt of a name takes the n-th message of that name.
 *
 * Guarantees: a message whose id was seen before is passed over, so that sending is repeatable.
 */
import type { Message } from '../journal/record.js';
import type { BegunWait } from './begun.js';

export class Inbox {
  readonly #seen = new Set<string>();
  readonly #kept = new Map<string, Message[]>();
  readonly #waiting = new Map<string, BegunWait[]>();

  /** A message that is there; undefined if none is. */
  take(name: string): Message | undefined {
    return this.#kept.get(name)?.shift();
  }

  wait(wait: BegunWait, name: string): void {
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, waiting);
    waiting.push(wait);
  }

  /** Gives the receipt that the message is for; undefined if it is kept, or known. */
  put(message: Message): BegunWait | undefined {
    const { id, name } = message;
    if (this.#seen.has(id)) return undefined;
    this.#seen.add(id);
    const waiting = this.#waiting.get(name) ?? [];
    while (waiting.length > 0) {
      const wait = waiting.shift();
      if (wait && !wait.isSettled) return wait;
    }
    const kept = this.#kept.get(name) ?? [];
    this.#kept.set(name, kept);
    kept.push(message);
    return undefined;
  }
}
