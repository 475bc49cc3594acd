/**
 * Messages of a run: the n-th receipt of a name takes the n-th message of that name.
 *
 * Guarantees: a message whose id was seen before is passed over, so that sending is repeatable.
 */
import type { Message } from '../journal/record.js';
import type { BegunWait } from './begun.js';
import { isAnswer } from './published.js';

interface Kept {
  readonly message: Message;
  /** In the journal. */
  readonly place: number;
}

/** Ids of messages of earlier journals that are known. */
const MOST_SEEN = 1_000;

export class Inbox {
  /** Their places in the journal; -1 for those of earlier journals. */
  readonly #seen = new Map<string, number>();
  /** Taken by what is not run again. */
  readonly #gone = new Set<string>();
  readonly #kept = new Map<string, Kept[]>();
  readonly #waiting = new Map<string, BegunWait[]>();
  readonly #taken: { readonly id: string; readonly place: number }[] = [];

  /** Ids of messages that came before this journal, and of such in it that were taken by what is not run again. */
  know(seen: readonly string[], gone: readonly string[]): void {
    for (const id of gone) this.#gone.add(id);
    for (const id of seen) this.#seen.set(id, -1);
  }

  /** The ids of the latest, without those whose places are in the next journal. */
  seenBut(isInNext: (place: number) => boolean): readonly string[] {
    const gone = [...this.#seen].flatMap(([id, place]) => (place >= 0 && isInNext(place) ? [] : id));
    return gone.slice(-MOST_SEEN);
  }

  /** How many were taken. */
  get taken(): number {
    return this.#taken.length;
  }

  /** The ids of those up to a place that were taken after the first `from`. */
  takenOf(place: number, from: number): readonly string[] {
    return this.#taken.slice(from).flatMap((each) => (each.place <= place ? each.id : []));
  }

  /** The places of those that were not taken. Late answers to approvals are nothing that another journal could take. */
  get untaken(): readonly number[] {
    const kept = [...this.#kept.values()].flat();
    return kept.filter(({ message }) => !isAnswer(message)).map(({ place }) => place);
  }

  /** A message that is there; undefined if none is. */
  take(name: string): Message | undefined {
    const first = this.#kept.get(name)?.shift();
    if (first) this.#taken.push({ id: first.message.id, place: first.place });
    return first?.message;
  }

  wait(wait: BegunWait, name: string): void {
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, waiting);
    waiting.push(wait);
  }

  /** Gives the receipt that the message is for; undefined if it is kept, or known. */
  put(message: Message, place: number): BegunWait | undefined {
    const { id, name } = message;
    if (this.#seen.has(id)) return undefined;
    this.#seen.set(id, place);
    if (this.#gone.has(id)) return undefined;
    const waiting = this.#waiting.get(name) ?? [];
    while (waiting.length > 0) {
      const wait = waiting.shift();
      if (!wait || wait.isSettled) continue;
      this.#taken.push({ id, place });
      return wait;
    }
    const kept = this.#kept.get(name) ?? [];
    this.#kept.set(name, kept);
    kept.push({ message, place });
    return undefined;
  }
}
