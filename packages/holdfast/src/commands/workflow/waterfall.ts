/**
 * The steps of a run as rows, made from its journal: what was begun, under which tokens, how often, and what came of it.
 *
 * Guarantees: pure. What has left no record yet, such as a step whose first attempt goes on, has no row.
 */
import type { JournalRecord } from '@holdfast/workflow';

/** One attempt of a step, as far as the journal has it. */
interface AttemptRow {
  readonly attempt: number;
  readonly token: number;
  /** What it threw. */
  readonly error?: string;
}

export interface CallRow {
  /** Its place in the function; '' of a message or a cancel. */
  readonly id: string;
  readonly name: string;
  kind: 'step' | 'once' | 'timer' | 'child' | 'message' | 'cancel';
  state: 'open' | 'done' | 'failed' | 'fired' | 'came';
  readonly attempts: AttemptRow[];
  /** What there is to say of it besides: the run of a child, when a timer is due, who cancelled. */
  detail: string;
}

/** In the order in which the journal comes to know of them. */
export function waterfallOf(records: readonly JournalRecord[]): readonly CallRow[] {
  const rows: CallRow[] = [];
  const byId = new Map<string, CallRow>();
  const rowOf = (id: string, name: string, kind: CallRow['kind']): CallRow => {
    const known = byId.get(id);
    if (known) return known;
    const row: CallRow = { id, name, kind, state: 'open', attempts: [], detail: '' };
    byId.set(id, row);
    rows.push(row);
    return row;
  };
  for (const record of records) note(record, { rows, byId, rowOf });
  return rows;
}

interface Rows {
  readonly rows: CallRow[];
  readonly byId: ReadonlyMap<string, CallRow>;
  readonly rowOf: (id: string, name: string, kind: CallRow['kind']) => CallRow;
}

function note(record: JournalRecord, { rows, byId, rowOf }: Rows): void {
  switch (record.kind) {
    case 'done':
    case 'failed':
    case 'retry': {
      const row = rowOf(record.id, record.name, 'step');
      const { token } = record;
      // A record of a retry has the number of the attempt that follows.
      const attempt = record.kind === 'retry' ? attemptsOf(row) + 1 : record.attempt;
      const error = record.kind === 'done' ? undefined : record.error.message;
      row.attempts.push({ attempt, token, ...(error === undefined ? {} : { error }) });
      if (record.kind !== 'retry') row.state = record.kind;
      return;
    }
    case 'begun':
      rowOf(record.id, record.name, 'once').kind = 'once';
      return;
    case 'entry':
    case 'checkpoint':
      rowOf(record.id, record.name, 'step');
      return;
    case 'timer':
      rowOf(record.id, record.name, 'timer').detail = `due ${new Date(record.at).toISOString()}`;
      return;
    case 'fired':
      rowOf(record.id, record.name, 'timer').state = 'fired';
      return;
    case 'child':
      rowOf(record.id, record.name, 'child').detail = record.run;
      return;
    case 'over': {
      const row = byId.get(record.id);
      if (row) row.state = record.outcome.status === 'completed' ? 'done' : 'failed';
      return;
    }
    case 'message':
      rows.push({ ...CAME, name: record.name, kind: 'message', attempts: [] });
      return;
    case 'cancel':
      rows.push({ ...CAME, name: 'cancel', kind: 'cancel', attempts: [], detail: record.reason });
  }
}

const CAME = { id: '', state: 'came', detail: '' } as const;

const attemptsOf = ({ attempts }: CallRow): number => attempts.at(-1)?.attempt ?? 0;
