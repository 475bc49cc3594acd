/**
 * What a function answers to messages.
 *
 * Guarantees: a message has one answer, also when it is sent again. Each mailbox from which it was asked is told by the
 * commit that brings the answer into the journal, or a later one if the question comes again later.
 */
import { MisuseError } from '@holdfast/kernel';
import { encodeRecord, type JournalRecord, type Message, type Reply } from '../journal/record.js';
import type { Effect } from '../store/store.js';

export class Answers {
  readonly #run: string;
  readonly #askers = new Map<string, Set<string>>();
  /** Of the journal. */
  readonly #kept = new Map<string, Reply>();
  /** Given by the function, in this life of it. */
  readonly #given = new Set<string>();

  constructor(run: string) {
    this.#run = run;
  }

  /** A message is handed over; what tells the answer, if it has one already. */
  asked({ id, from }: Message): Effect | undefined {
    if (from === undefined) return undefined;
    const askers = this.#askers.get(id) ?? new Set();
    this.#askers.set(id, askers.add(from));
    const reply = this.#kept.get(id);
    return reply && this.#post(from, reply);
  }

  /** An answer of the journal. */
  know(reply: Reply): void {
    this.#kept.set(reply.id, reply);
  }

  /** Throws MisuseError for a second answer. */
  give(reply: Reply, make: (record: JournalRecord) => void): void {
    const { id } = reply;
    if (this.#given.has(id)) throw new MisuseError(`The message "${id}" has its answer already.`);
    this.#given.add(id);
    if (!this.#kept.has(id)) make(reply);
  }

  /** What tells the answers among records that are about to be committed. */
  posts(records: readonly JournalRecord[]): readonly Effect[] {
    return records.flatMap((record) =>
      record.kind === 'reply'
        ? [...(this.#askers.get(record.id) ?? [])].map((asker) => this.#post(asker, record))
        : [],
    );
  }

  #post(mailbox: string, reply: Reply): Effect {
    return { word: 'mail', mailbox, text: `r${this.#run}\n${encodeRecord(reply)}` };
  }
}
