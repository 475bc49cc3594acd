/**
 * What a function was told that does not follow from its journal: the time, chance, and whether a patch is taken. It is noted in the
 * journal, and a replay is told the same.
 *
 * A note has no turn of its own: all notes of a journal are known before the first of its records is handed over.
 * Guarantees: until a note is in the journal, no body begins that may depend on it.
 */
import type { JournalRecord, Note } from '../journal/record.js';

export class Notes {
  readonly #times = new Map<number, number>();
  readonly #patches = new Map<string, boolean>();
  /** Made here, and not yet back from the journal. */
  readonly #made = new Set<Note>();
  #time = 0;
  #seed: string | undefined;

  /** Whether all that were made here are in the journal. */
  get areKept(): boolean {
    return this.#made.size === 0;
  }

  /** A note of the journal. */
  know(note: Note): void {
    for (const made of this.#made) if (isSame(made, note)) this.#made.delete(made);
    if (note.kind === 'time') this.#times.set(note.turn, note.at);
    else if (note.kind === 'seed') this.#seed = note.seed;
    else this.#patches.set(note.name, true);
  }

  /** A timer has fired: it is no earlier than that. */
  reached(time: number): void {
    this.#time = Math.max(this.#time, time);
  }

  /** The time in a turn, which does not pass while it is open; `make` notes it where the journal does not have it. */
  timeIn(turn: number, now: number, make: (note: JournalRecord) => void): number {
    const known = this.#times.get(turn);
    if (known !== undefined) {
      this.reached(known);
      return known;
    }
    this.reached(now);
    this.#times.set(turn, this.#time);
    this.#make({ kind: 'time', turn, at: this.#time }, make);
    return this.#time;
  }

  /** Of the run's chance. */
  seedOr(seed: string, make: (note: JournalRecord) => void): string {
    if (this.#seed !== undefined) return this.#seed;
    this.#seed = seed;
    this.#make({ kind: 'seed', seed: this.#seed }, make);
    return this.#seed;
  }

  /** Whether a patch is taken: one answer for a name, fixed at the first call. */
  isTaken(name: string, isNew: boolean, make: (note: JournalRecord) => void): boolean {
    const known = this.#patches.get(name);
    if (known !== undefined) return known;
    this.#patches.set(name, isNew);
    if (isNew) this.#make({ kind: 'patch', name }, make);
    return isNew;
  }

  #make(note: Note, make: (note: JournalRecord) => void): void {
    this.#made.add(note);
    make(note);
  }
}

export const isNote = (record: JournalRecord): record is Note =>
  record.kind === 'time' || record.kind === 'seed' || record.kind === 'patch';

/** Whether it is handed over in no turn of its own: the function does not see it there. */
export const hasNoTurn = (record: JournalRecord): boolean =>
  isNote(record) || record.kind === 'reply' || record.kind === 'takeover';

function isSame(one: Note, other: Note): boolean {
  if (one.kind === 'time') return other.kind === 'time' && one.turn === other.turn;
  if (one.kind === 'patch') return other.kind === 'patch' && one.name === other.name;
  return other.kind === 'seed';
}
