/**
 * The children of a function: when they begin, are adopted or told that they are cancelled, and what of that is to be
 * committed.
 *
 * Guarantees: a child begins with the commit that has it in the journal. One that an earlier journal of the run has begun is
 * adopted under the name that it has there. Nobody is told anything of a child whose end the journal has.
 */
import type { CallRecord, JournalRecord, Outcome } from '../journal/record.js';
import type { Effect } from '../store/store.js';
import type { BegunChild } from './begun.js';
import { cancelOf } from './child.js';

export class Children {
  /** What is to be done to other runs with the next commit. */
  readonly effects: Effect[] = [];
  /** Records that are to be committed. */
  readonly #out: JournalRecord[];
  readonly #byId = new Map<string, BegunChild>();

  constructor(out: JournalRecord[]) {
    this.#out = out;
  }

  add(begun: BegunChild): void {
    this.#byId.set(begun.id, begun);
  }

  /** Does what is to be done about it, once all that the journal has was handed over. */
  launch(begun: BegunChild): void {
    const { id, name, child, run } = begun;
    if (begun.isOver) return;
    if (begun.isSettled) {
      // One that is not begun has nobody to tell.
      if (run !== undefined) this.#cancel(begun, 'its parent does not wait for it any more');
    } else if (run === undefined) {
      if (begun.isAsked) return;
      begun.isAsked = true;
      const abandoned = child.onParentEnd === 'abandon' && { abandoned: true as const };
      this.#out.push({ kind: 'child', id, name, run: child.run, ...abandoned });
    } else if (run !== child.run && !begun.isAdopted) {
      begun.isAdopted = true;
      this.effects.push(child.effect(run));
    }
  }

  /** A record of it is handed over; gives how it has ended. */
  apply(begun: BegunChild, record: CallRecord): Outcome | undefined {
    if (record.kind === 'child' && record.run !== '') begun.run = record.run;
    if (record.kind !== 'over') return undefined;
    begun.isOver = true;
    return record.outcome;
  }

  /** What records begin that are about to be committed. */
  beginnings(records: readonly JournalRecord[]): readonly Effect[] {
    return records.flatMap((record) => {
      const begun = record.kind === 'child' ? this.#byId.get(record.id) : undefined;
      return begun ? [begun.child.effect(begun.child.run)] : [];
    });
  }

  /** The function has ended: children that are not to go on without it are cancelled, or do not begin. */
  leave(): void {
    const stays = (record: JournalRecord): boolean =>
      record.kind !== 'child' || this.#byId.get(record.id)?.child.onParentEnd === 'abandon';
    this.#out.splice(0, this.#out.length, ...this.#out.filter(stays));
    for (const each of this.#byId.values()) {
      if (each.child.onParentEnd === 'abandon' || each.isOver || each.run === undefined) continue;
      this.#cancel(each, 'its parent has ended');
    }
  }

  #cancel(begun: BegunChild, reason: string): void {
    if (begun.isTold) return;
    begun.isTold = true;
    this.effects.push(cancelOf(begun.run ?? begun.child.run, reason));
  }
}
