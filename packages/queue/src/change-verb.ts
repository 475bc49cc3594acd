/**
 * The script that changes a task that waits, as a value: see verbs.ts.
 */
import { placeOf } from './inspection.js';
import { single } from './verbs.js';

export interface ChangeRequest {
  readonly id: string;
  /** The task as it was found, and its record from now on; undefined if it stays as it is. */
  readonly change: { readonly seen: string; readonly record: string } | undefined;
  /** When it is due, in ms since the epoch, or '+' and in how many ms; '' for as before. */
  readonly due: string;
}

/** A task that waits, as it was found. */
export interface FoundToChange {
  readonly seen: string;
  /** Its record; the data of one that has none. */
  readonly text: string;
  /** The options of one that has no record. */
  readonly options: string;
  readonly deliveries: number;
}

/** Changes a task that waits. Its result is the task as it is, if it is not as it was found. */
export const change = single<
  ChangeRequest,
  FoundToChange | 'changed' | 'active' | 'gathering' | 'ended' | 'unknown'
>(
  'change',
  ({ id, change, due }) => [...placeOf(id), change?.seen ?? '', change?.record ?? '', due],
  ([word, seen, text, options, deliveries]) =>
    word === 'found'
      ? { seen: String(seen), text: String(text), options: String(options), deliveries: Number(deliveries) }
      : ((word === 'refused' ? seen : word) as 'changed' | 'active' | 'gathering' | 'ended' | 'unknown'),
);
