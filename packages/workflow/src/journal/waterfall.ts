/**
 * The steps of a run as rows, made from its journal: what was begun, under which tokens, how often, when, and what came of it.
 *
 * Guarantees: pure. What has left no record yet, such as a step whose first attempt goes on, has no row.
 */
import type { JournalRecord } from './record.js';

/** A row of the waterfall: an attempt of a step, or something that came to the run. */
export interface WaterfallRow {
  /** Its place in the function; '' of what comes from outside. */
  readonly step: string;
  readonly name: string;
  readonly kind: 'step' | 'once' | 'timer' | 'child' | 'message' | 'cancel' | 'takeover';
  /** "retried": an attempt that another has followed, or is to follow. */
  readonly state: 'open' | 'retried' | 'done' | 'failed' | 'fired' | 'came';
  readonly attempt?: number;
  readonly token?: number;
  /** When the attempt began and ended, in ms since the epoch. */
  readonly began?: number;
  readonly ended?: number;
  /** What it threw; the run of a child; when a timer is due; who cancelled; how often the run was taken over. */
  readonly detail: string;
}

/** A row for each attempt, in the order in which the journal came to know of them. */
export function waterfallOf(records: readonly JournalRecord[]): readonly WaterfallRow[] {
  const rows: WaterfallRow[] = [];
  const once = new Set(records.flatMap((record) => (record.kind === 'begun' ? record.id : [])));
  const attempts = new Map<string, number>();
  /** Where in `rows` what is open is, by its step. */
  const open = new Map<string, number>();
  for (const record of records) {
    const row = rowOf(record, { isOnce: 'id' in record && once.has(record.id), attempts });
    if (row === undefined) continue;
    const at = open.get(row.step);
    open.delete(row.step);
    if (row.state === 'open') open.set(row.step, at ?? rows.length);
    if (at === undefined) rows.push(row);
    else rows[at] = joined(rows[at] as WaterfallRow, row);
  }
  return rows;
}

/** What is open was only begun: what has come of it says more. */
const joined = (begun: WaterfallRow, row: WaterfallRow): WaterfallRow => ({
  ...row,
  name: row.name || begun.name,
  detail: row.detail || begun.detail,
});

interface Known {
  readonly isOnce: boolean;
  /** Of each step, the last attempt that a row tells of. */
  readonly attempts: Map<string, number>;
}

function rowOf(record: JournalRecord, known: Known): WaterfallRow | undefined {
  switch (record.kind) {
    case 'done':
    case 'failed':
    case 'retry':
      return attemptRow(record, known);
    case 'begun':
    case 'entry':
      return {
        ...placeOf(record),
        kind: record.kind === 'begun' ? 'once' : 'step',
        state: 'open',
        detail: '',
      };
    case 'timer':
      return {
        ...placeOf(record),
        kind: 'timer',
        state: 'open',
        detail: `due ${new Date(record.at).toISOString()}`,
      };
    case 'fired':
      return { ...placeOf(record), kind: 'timer', state: 'fired', detail: '' };
    case 'child':
      return { ...placeOf(record), kind: 'child', state: 'open', detail: record.run };
    case 'over': {
      const state = record.outcome.status === 'completed' ? 'done' : 'failed';
      return { step: record.id, name: '', kind: 'child', state, token: record.token, detail: '' };
    }
    case 'message':
      return { step: '', name: record.name, kind: 'message', state: 'came', detail: '' };
    case 'cancel':
      return { step: '', name: '', kind: 'cancel', state: 'came', detail: record.reason };
    case 'takeover': {
      const { falls, token } = record;
      const detail = `the worker was lost${falls === 1 ? '' : ` ${falls} times`}`;
      return { step: '', name: '', kind: 'takeover', state: 'came', token, detail };
    }
    default:
      return undefined;
  }
}

const placeOf = ({ id, name }: { readonly id: string; readonly name: string }) => ({ step: id, name });

type Attempted = JournalRecord & { kind: 'done' | 'failed' | 'retry' };

function attemptRow(record: Attempted, { isOnce, attempts }: Known): WaterfallRow {
  const { id, name, kind, token, span } = record;
  // A record of one that is tried again has the number of the attempt that follows.
  const attempt = kind === 'retry' ? (attempts.get(id) ?? 0) + 1 : record.attempt;
  attempts.set(id, attempt);
  const began = span && token / 1_000 + span[0];
  return {
    ...{ step: id, name, kind: isOnce ? 'once' : 'step', state: kind === 'retry' ? 'retried' : kind },
    ...{ attempt, token, detail: kind === 'done' ? '' : record.error.message },
    ...(began === undefined ? {} : { began, ended: began + (span?.[1] ?? 0) }),
  };
}
