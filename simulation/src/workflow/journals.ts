/**
 * The journals of all runs, as the server has them, and what may become of them.
 *
 * Guarantees: every record is judged in the call that brings it: a journal only grows, what is done is done once, and it ends
 * as its program may end.
 */
import type { Violate } from '../run/part.js';
import type { Program } from './program.js';
import { flawOf, type Outcome } from './verdict.js';
import type { View } from './view.js';

/** A record, by the letter of its kind. */
interface Kept {
  readonly letter: string;
  /** Of the call or the message; '-' if it is of none. */
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Journal {
  readonly run: string;
  readonly generation: string;
  readonly program: Program | undefined;
  readonly texts: string[];
  /** By letter and id of the call, those that may be there once. */
  readonly once: Map<string, Kept>;
  /** The token of the latest attempt of each step. */
  readonly tokens: Map<string, number>;
  /** The ids of its messages, in their order. */
  readonly told: string[];
  isCancelled: boolean;
  /** Its last record. */
  end: string | undefined;
  outcome: Outcome | undefined;
}

/** Records of a call of which there is one: done and failed are both the end of a step. */
const ONCE: Readonly<Record<string, string>> = {
  S: 'end',
  E: 'end',
  D: 'over',
  C: 'child',
  T: 'timer',
  F: 'fired',
};

export class Journals {
  readonly #view: View;
  readonly #violate: Violate;
  readonly #all = new Map<string, Journal>();
  /** By run, that of its latest generation. */
  readonly #latest = new Map<string, Journal>();

  /** What is still to be judged of the present call. */
  readonly #ends: (() => void)[] = [];

  constructor(view: View, violate: Violate) {
    this.#view = view;
    this.#violate = violate;
  }

  get all(): Iterable<Journal> {
    return this.#all.values();
  }

  of(run: string): Journal | undefined {
    return this.#latest.get(run);
  }

  /** A step is done, or has failed for good, in the journal that there is now. */
  hasEnded(run: string, generation: string, step: string): boolean {
    return this.#all.get(`${run}.${generation}`)?.once.has(`end ${step}`) ?? false;
  }

  /** The server has carried out a call: what is new is judged. */
  look(): void {
    for (const [run, generation] of this.#view.hash('gen')) {
      if (this.#latest.get(run)?.generation !== generation) this.#begin(run, generation);
    }
    for (const journal of this.#all.values()) if (journal.end === undefined) this.#grow(journal);
    // The end of a child may be in the same call as the record of it.
    for (const judge of this.#ends.splice(0)) judge();
  }

  /** The server may have forgotten: what it has now is what there is. */
  adopt(): void {
    this.#all.clear();
    this.#latest.clear();
    const silent = new Journals(this.#view, () => {});
    silent.look();
    for (const journal of silent.all) this.#keep(journal);
  }

  #begin(run: string, generation: string): void {
    const [header] = this.#view.journal(run, generation) ?? [];
    if (header === undefined) return; // one that is kept no longer
    this.#keep({
      ...{ run, generation, texts: [], once: new Map(), tokens: new Map(), told: [] },
      program: decode(header).body['input'] as Program | undefined,
      isCancelled: false,
      end: undefined,
      outcome: undefined,
    });
  }

  #keep(journal: Journal): void {
    this.#all.set(`${journal.run}.${journal.generation}`, journal);
    this.#latest.set(journal.run, journal);
  }

  #grow(journal: Journal): void {
    const { texts, run, generation } = journal;
    const now = this.#view.journal(run, generation) ?? [];
    if (now.length < texts.length || (texts.length > 0 && now[texts.length - 1] !== texts.at(-1)))
      this.#violate(
        'journal',
        `that of ${run} is another than before: ${texts.length} records, now ${now.length}`,
      );
    for (const text of now.slice(texts.length)) {
      texts.push(text);
      if (journal.end !== undefined)
        this.#violate('journal', `that of ${run} goes on behind its end: ${text}`);
      this.#judge(journal, text);
    }
  }

  #judge(journal: Journal, text: string): void {
    const record = decode(text);
    const { letter, id, body } = record;
    const { run, once, tokens } = journal;
    const kind = ONCE[letter];
    if (kind !== undefined) {
      if (once.has(`${kind} ${id}`))
        this.#violate('once', `${run} has another record of ${kind} ${id}: ${text}`);
      once.set(`${kind} ${id}`, record);
    }
    if (letter === 'S' || letter === 'E' || letter === 'A') {
      const token = Number(body['token']);
      const before = tokens.get(id) ?? 0;
      if (token <= before)
        this.#violate('token order', `an attempt of ${id} of ${run} has the token ${token} after ${before}`);
      tokens.set(id, token);
    }
    if (letter === 'D') this.#ends.push(() => this.#judgeChild(journal, record));
    if (letter === 'M') this.#tell(journal, id);
    if (letter === 'X') journal.isCancelled = true;
    if (letter === 'Z') this.#end(journal, text, body['outcome'] as Outcome);
  }

  #tell({ told }: Journal, id: string): void {
    if (!told.includes(id)) told.push(id);
  }

  /** The end of a child is told as it is. */
  #judgeChild({ run, once }: Journal, { id, body }: Kept): void {
    const child = String(once.get(`child ${id}`)?.body['run'] ?? '');
    const ended = this.of(child)?.outcome;
    if (child === '')
      this.#violate('child', `${run} is told of the end of a child ${id} that it has not begun`);
    else if (JSON.stringify(ended) !== JSON.stringify(body['outcome']))
      this.#violate('child', `${run} is told that ${child} has ended otherwise than it has`);
  }

  #end(journal: Journal, text: string, outcome: Outcome): void {
    const { run, program, told } = journal;
    journal.end = text;
    journal.outcome = outcome;
    const flaw = program && flawOf(program, outcome, told);
    if (flaw) this.#violate('result', `${run}: ${flaw}`);
    if (outcome.status === 'cancelled' && !journal.isCancelled)
      this.#violate(
        'result',
        `${run} is cancelled, because "${outcome.reason}", but nobody has cancelled it`,
      );
  }
}

function decode(text: string): Kept {
  const end = text.indexOf('\n');
  return { letter: text.charAt(0), id: text.slice(2, end), body: JSON.parse(text.slice(end + 1)) };
}
