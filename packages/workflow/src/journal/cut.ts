/**
 * What a run has of an earlier journal when it goes over a part of its way again, by a retry or a fork.
 *
 * Guarantees: what lies before the cut is kept as it is, but for what would keep the call at the cut from beginning afresh.
 * Messages stay, wherever they lie, and so do the results of children that were begun before the cut. A cancel does not.
 * Nothing is kept that was undone, or may have been.
 */
import { display, MisuseError } from '@holdfast/kernel';
import { hasNoTurn, isNote } from '../machine/notes.js';
import { awaitedTaskIn, isTaskName, taskMessage } from '../task.js';
import type { JournalRecord } from './record.js';

/** Places are from 0, the header's. */
export interface Cut {
  /** How many records behind the header are kept. */
  readonly cut: number;
  /** Places before the cut of records that are left out: a blank one is in their place, so that turns keep their numbers. */
  readonly drop: readonly number[];
  /** Places behind the cut of records that are kept. */
  readonly take: readonly number[];
}

/**
 * Before a step, by its id or its name: the last one of that name. Without one, before the last step that has failed; if
 * none has, or the run was cancelled, before the end; and not behind what was undone. Throws MisuseError if there is no such
 * step, or if something before it was undone.
 */
export function cutBefore(records: readonly JournalRecord[], from: string | undefined, isFork = false): Cut {
  const end = records.findIndex(({ kind }) => ENDS.includes(kind));
  const all = end < 0 ? records.length : end;
  const isCancelled = records[end]?.kind === 'cancel';
  const failed = isCancelled ? undefined : lastFailed(records.slice(0, all));
  const undone = undoneFrom(records);
  const at = from === undefined ? undoneOr(failed, undone) : beginOf(records, { from, undone });
  const cut = Math.min(all, at ?? all) - 1;
  const id = at === undefined ? undefined : idOf(records[at]);
  const kept = records.slice(0, cut + 1);
  const over = new Set(records.slice(0, all).flatMap((each) => (each.kind === 'over' ? each.id : [])));
  const settled = new Set(
    kept.flatMap((each) => (each.kind === 'done' || each.kind === 'failed' ? each.id : [])),
  );
  const orphans = isFork ? orphansIn(records) : new Set<string>();
  const isLeftOut = (record: JournalRecord): boolean => {
    if (orphans.has(idOf(record) ?? '')) return true;
    if (record.kind === 'entry') return !settled.has(record.id);
    // A fork has children of its own in place of those that still go on.
    if (record.kind === 'child' && isFork && !over.has(record.id)) return true;
    return ATTEMPT.includes(record.kind) && id !== undefined && idOf(record) === id;
  };
  const children = new Set(
    kept.flatMap((each) => (each.kind === 'child' && !isLeftOut(each) ? each.id : [])),
  );
  const turns = 1 + kept.slice(1).filter((each) => !hasNoTurn(each)).length;
  const isTaken = (record: JournalRecord): boolean =>
    record.kind === 'message' ||
    (record.kind === 'over' && children.has(record.id)) ||
    (isNote(record) && (record.kind !== 'time' || record.turn <= turns));
  const placesOf = (which: (record: JournalRecord) => boolean, from: number, to: number): number[] =>
    records.flatMap((record, place) => (place >= from && place < to && which(record) ? place : []));
  return {
    cut,
    drop: placesOf(isLeftOut, 1, cut + 1),
    take: placesOf(isTaken, cut + 1, records.length),
  };
}

/**
 * The steps that have added a task without a result by now, and the timers of the waits for those: the result is to go to the
 * run that has added it, so a fork adds a task of its own.
 */
function orphansIn(records: readonly JournalRecord[]): ReadonlySet<string> {
  const told = new Set(records.flatMap((each) => (each.kind === 'message' ? each.name : [])));
  const fired = new Set(records.flatMap((each) => (each.kind === 'fired' ? each.id : [])));
  return new Set(
    records.flatMap((record) => {
      const task =
        record.kind === 'done' && isTaskName(record.name) ? awaitedTaskIn(record.value) : undefined;
      if (record.kind !== 'done' || task === undefined || told.has(taskMessage(task))) return [];
      const wait = record.id.replace(/0$/, '1');
      return fired.has(wait) ? [] : [record.id, wait];
    }),
  );
}

/** Behind these, nothing is kept. */
const ENDS: readonly JournalRecord['kind'][] = ['end', 'cancel', 'undoing'];
/** Of a step that begins afresh. */
const ATTEMPT: readonly JournalRecord['kind'][] = ['retry', 'begun', 'checkpoint', 'child'];

/** The place of the first record that a run must not keep, because what follows from it was undone. */
function undoneFrom(records: readonly JournalRecord[]): number | undefined {
  const undoing = records.find((record) => record.kind === 'undoing');
  // What was made before all steps has the header's place.
  return undoing && Math.max(1, undoing.from);
}

/** The place before which a step that is named begins afresh. Throws MisuseError. */
function beginOf(
  records: readonly JournalRecord[],
  { from, undone }: { readonly from: string; readonly undone: number | undefined },
): number {
  const end = placeOf(records, from);
  if (undone === undefined || end <= undone) return end;
  const first = records[undone];
  // A step that can be undone begins with its entry in the ledger, and may end behind other steps.
  if (idOf(first) === idOf(records[end])) return undone;
  const what = first?.kind === 'entry' ? `the step ${display(first.name)}` : 'something';
  throw new MisuseError(
    `Before ${display(from)}, ${what} was undone: begin no later than there, or name no step.`,
  );
}

const undoneOr = (failed: number | undefined, undone: number | undefined): number | undefined =>
  undone === undefined ? failed : Math.min(undone, failed ?? undone);

function lastFailed(records: readonly JournalRecord[]): number | undefined {
  const at = records.findLastIndex(
    (record) => record.kind === 'failed' || (record.kind === 'over' && record.outcome.status !== 'completed'),
  );
  return at < 0 ? undefined : at;
}

function placeOf(records: readonly JournalRecord[], from: string): number {
  const names = new Map(records.flatMap((each) => (each.kind === 'child' ? [[each.id, each.name]] : [])));
  const isEnd = (record: JournalRecord): boolean => ['done', 'failed', 'over'].includes(record.kind);
  const nameOf = (record: JournalRecord): string | undefined =>
    'name' in record ? record.name : names.get(idOf(record) ?? '');
  const byId = records.findIndex((record) => isEnd(record) && idOf(record) === from);
  if (byId >= 0) return byId;
  const byName = records.findLastIndex((record) => isEnd(record) && nameOf(record) === from);
  if (byName >= 0) return byName;
  throw new MisuseError(
    `The run has done no step ${display(from)}; give the id or the name of one of its history() that is done or has failed.`,
  );
}

const idOf = (record: JournalRecord | undefined): string | undefined =>
  record && 'id' in record ? record.id : undefined;
