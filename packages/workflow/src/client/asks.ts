/**
 * Questions to runs that this process waits for the answers of.
 *
 * Guarantees: an answer is told to the mailbox of whoever asks, and is in the journal: whenever the mailbox begins to listen
 * anew, and now and then besides, it is looked for there.
 */
import { type Clock, pause } from '@holdfast/kernel';
import { decodeRecord, type Reply } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Store } from '../store/store.js';

interface AnswerRequest {
  /** As it is known by now. */
  readonly run: () => RunRef;
  /** Of the message. */
  readonly id: string;
  readonly signal: AbortSignal;
  /** In ms. */
  readonly timeout: number | undefined;
  readonly onLate: (why: string) => void;
}

type Heard = (reply: Reply | undefined) => void;

export class Asks {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Heard>>();

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** An answer: "r<run>\n<record>". */
  hear(text: string): void {
    if (!text.startsWith('r')) return;
    const end = text.indexOf('\n');
    const [run, record] = [text.slice(1, end), text.slice(end + 1)];
    const id = record.slice(2, record.indexOf('\n'));
    try {
      const reply = decodeRecord(record);
      if (reply.kind === 'reply') this.#tell(keyOf(run, id), reply);
    } catch {
      this.lookAgain(run, id); // whoever asked is told why
    }
  }

  /** Mail may have been missed: all look. */
  askAgain(): void {
    for (const key of [...this.#waiting.keys()]) this.#tell(key, undefined);
  }

  /** The answer to one question may be in the journal. */
  lookAgain(run: string, id: string): void {
    this.#tell(keyOf(run, id), undefined);
  }

  /** Until `signal` aborts, which `onLate` is to do: then looks once more. Undefined if there is no answer by then. */
  async answer({ run, id, signal, timeout, onLate }: AnswerRequest): Promise<Reply | undefined> {
    const late = (): void => onLate(`it did not answer within ${timeout} ms`);
    const timer = timeout === undefined ? undefined : this.#clock.after(timeout, late);
    const key = keyOf(run().run, id);
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    // It hears also while it looks: an answer that is told then may not have been in the journal yet.
    let told: Reply | undefined;
    let bell = new AbortController();
    const hear: Heard = (reply) => {
      told ??= reply;
      bell.abort();
    };
    waiting.add(hear);
    try {
      for (;;) {
        await pause(this.#clock, this.#store.askAgain, signal, bell.signal);
        if (told) return told;
        bell = new AbortController();
        const isLast = signal.aborted;
        if (this.#store.closed.aborted) return undefined;
        const known = (await this.#look(run(), id)) ?? told;
        if (known || isLast) return known;
      }
    } finally {
      timer?.cancel();
      waiting.delete(hear);
      if (waiting.size === 0) this.#waiting.delete(key);
    }
  }

  async #look(run: RunRef, id: string): Promise<Reply | undefined> {
    for (let from = 0; ; ) {
      const page = await this.#store.page(run, from);
      if (page.length === 0) return undefined;
      from += page.length;
      for (const text of page) {
        const record = text.startsWith('R ') ? decodeRecord(text) : undefined;
        if (record?.kind === 'reply' && record.id === id) return record;
      }
    }
  }

  #tell(key: string, reply: Reply | undefined): void {
    for (const hear of [...(this.#waiting.get(key) ?? [])]) hear(reply);
  }
}

const keyOf = (run: string, id: string): string => `${run}\n${id}`;
