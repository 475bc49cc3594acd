/**
 * How a run goes on over another journal: from its beginning with another input, or in the middle of a loop, whose passes
 * by then nobody needs any more.
 *
 * Guarantees: messages that were not taken go along, and so does a cancel that came too late to be heeded. A loop is
 * continued only where nothing but its passes has happened since it began. Whoever sends a message again is known.
 */
import type { Header, JournalRecord, Note } from '../journal/record.js';
import type { Inbox } from './inbox.js';
import { isNote } from './notes.js';

/** Passes after which a loop is continued over another journal. */
export const LONGEST_LOOP = 1_000;

/** Where a loop has begun. */
export interface LoopStart {
  readonly id: string;
  /** In the journal. */
  readonly place: number;
  readonly turn: number;
  /** Calls that were begun before. */
  readonly calls: number;
  /** Messages that were taken before. */
  readonly taken: number;
  /** Of the pass with which it goes on, if it is continued. */
  readonly known: LoopState | undefined;
}

export interface LoopState {
  readonly pass: number;
  readonly state: unknown;
}

type Aim = { readonly input: unknown } | { readonly loop: LoopStart; readonly at: LoopState };

/** What the next journal is made of. */
export interface Renewal {
  readonly cut: number;
  readonly take: readonly number[];
  readonly header: Partial<Header>;
}

export class Continuation {
  readonly #inbox: Inbox;
  #before: Pick<Header, 'loops' | 'taken' | 'kept'> = {};
  #aim: Aim | undefined;
  readonly #notes: { readonly place: number; readonly note: Note }[] = [];
  readonly #cancels: number[] = [];

  constructor(inbox: Inbox) {
    this.#inbox = inbox;
  }

  /** Whether the run is to go on over another journal. */
  get isDue(): boolean {
    return this.#aim !== undefined;
  }

  /** What the header says of the journals before. */
  begin(header: Partial<Header>): void {
    this.#before = header;
    this.#inbox.know(header.seen ?? [], header.taken ?? []);
  }

  loop(id: string): LoopState | undefined {
    return this.#before.loops?.[id];
  }

  /** A record is handed over. */
  passed(record: JournalRecord, place: number): void {
    if (isNote(record)) this.#notes.push({ place, note: record });
    else if (record.kind === 'cancel' && this.isDue) this.#cancels.push(place);
  }

  to(aim: Aim): void {
    this.#aim ??= aim;
  }

  get renewal(): Renewal | undefined {
    const aim = this.#aim;
    if (aim === undefined) return undefined;
    const late = [...this.#inbox.untaken, ...this.#cancels];
    const untaken = new Set(this.#inbox.untaken);
    if ('input' in aim) {
      const seen = this.#inbox.seenBut((place) => untaken.has(place));
      const header = { input: aim.input, seen, loops: undefined, taken: undefined, kept: undefined };
      return { cut: 0, take: late.sort((one, other) => one - other), header };
    }
    const { id, place, turn, taken } = aim.loop;
    const notes = this.#notes.filter(({ note }) => note.kind !== 'time' || note.turn <= turn);
    const take = [...late, ...notes.map((each) => each.place)].filter((each) => each > place);
    const within = Object.entries(this.#before.loops ?? {}).filter(([each]) => !each.startsWith(`${id}.`));
    const { kept } = this.#before;
    return {
      cut: place,
      take: take.sort((one, other) => one - other),
      header: {
        ...(kept === undefined ? {} : { kept: Math.min(kept, place) }),
        loops: { ...Object.fromEntries(within), [id]: aim.at },
        taken: [...(this.#before.taken ?? []), ...this.#inbox.takenOf(place, taken)],
        seen: this.#inbox.seenBut((each) => each <= place || untaken.has(each)),
      },
    };
  }
}
