/**
 * How a function goes another way than its journal.
 *
 * Guarantees: a record fits a call only if that has its id, its kind and its name, and is of the same value.
 */
import type { CallRecord, Place } from '../journal/record.js';
import type { AnyBegun } from './begun.js';

/** How a run went another way than a replay of it could follow. */
export interface Stray {
  readonly reason: string;
  /** Where a call came late; undefined if the code contradicts the journal, which no other try can mend. */
  readonly late?: string;
}

/** `how` says what the journal has, and what the function does. */
export const astray = (how: string): Stray => ({
  reason: `the code goes another way than the journal: ${how}`,
});

/** How the function contradicts a record of one of its calls; undefined if it does not. */
export function contradictionOf(
  begun: AnyBegun | undefined,
  record: CallRecord,
  hasEnded: boolean,
): Stray | undefined {
  if (begun && isSameCall(begun, record)) return undefined;
  const had = describe(kindOf(record), record.kind === 'over' ? '' : record.name);
  const stray = astray(
    `at ${record.id} the journal has ${had}, and the function began ${begunInstead(begun, record)}${hasEnded ? ', and has ended' : ''}. Deploy code that begins the same calls in the same order, under a higher build, or retry the run then`,
  );
  // It may only be slow, the first time.
  const isSlow = begun === undefined && !hasEnded;
  return isSlow ? { ...stray, late: `${record.id} ${'name' in record ? record.name : ''}` } : stray;
}

const isSameCall = (begun: AnyBegun, record: CallRecord): boolean =>
  begun.kind === kindOf(record) && (record.kind === 'over' || isSamePlace(begun, record));

const isSamePlace = (one: Place, other: Place): boolean => one.name === other.name && one.of === other.of;

function begunInstead(begun: AnyBegun | undefined, record: CallRecord): string {
  if (begun === undefined) return 'nothing there';
  const isSame = begun.kind === kindOf(record) && record.kind !== 'over' && begun.name === record.name;
  return isSame ? 'it of another value there' : `${describe(begun.kind, begun.name)} there`;
}

function kindOf({ kind }: CallRecord): AnyBegun['kind'] {
  if (kind === 'timer' || kind === 'fired') return 'wait';
  return kind === 'child' || kind === 'over' ? 'child' : 'step';
}

function describe(kind: AnyBegun['kind'], name: string): string {
  if (kind === 'child') return name === '' ? 'a child' : `the child "${name}"`;
  return kind === 'step' ? `the step "${name}"` : `a wait, "${name}"`;
}
