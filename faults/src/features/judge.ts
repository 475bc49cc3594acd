/**
 * Whether what the processes of an episode have recorded, and what the store has in the end, keep the promises of a feature
 * store.
 */
import type { Violation } from '../check/index.js';
import { increase, type Judged } from '../subject.js';
import { COUNTED, type FeaturesRecord, type SentRow } from './assignment.js';

/** What there is when all faults are over. */
export interface Found {
  /** The rows that are served, by id; no entry for one that is missing. */
  readonly rows: ReadonlyMap<string, { readonly time: number; readonly value: string }>;
  /** How many rows the store counts, and how many there are. */
  readonly counted: number;
  readonly scanned: number;
  /** The counts that are served, of all entities together, and how many events they were made of. */
  readonly count: number;
  readonly events: number;
  /** The values of all exported rows, and how many of them are there twice under one place. */
  readonly exported: readonly string[];
  readonly doubled: number;
}

export interface Judging {
  readonly found: Found;
  /** Whether the server keeps what it has acknowledged. */
  readonly durable: boolean;
}

export function judgeFeatures(records: readonly FeaturesRecord[], { found, durable }: Judging): Judged {
  const violations: Violation[] = [];
  const violate = (rule: string, message: string): void =>
    void violations.push({ rule, message, events: [] });
  const counts = new Map<string, number>();
  const sent = new Map<string, SentRow>();
  /** By id, the latest event time that was acknowledged so far. */
  const acknowledged = new Map<string, number>();
  const accepted: string[] = [];
  const begunBy = new Map<string, number>();
  const opened: { readonly at: number; readonly token: number }[] = [];
  for (const record of records) {
    if (record.e === 'opened') opened.push(record);
    if (record.e === 'did') increase(counts, record.what, record.count);
    if (record.e === 'landing') {
      for (const row of record.rows) {
        sent.set(row.value, row);
        begunBy.set(row.value, record.at);
      }
    }
    if (record.e === 'landed') {
      for (const [value, outcome] of Object.entries(record.outcomes)) {
        increase(counts, `rows ${outcome}`, 1);
        const row = sent.get(value);
        if (outcome !== 'accepted' || row === undefined) continue;
        accepted.push(value);
        acknowledged.set(row.id, Math.max(acknowledged.get(row.id) ?? 0, row.time));
        const begun = begunBy.get(value) ?? 0;
        const later = opened.find(({ at, token }) => token > record.token && at < begun);
        if (later !== undefined)
          violate(
            'stale write',
            `${value} landed under ${record.token}, after ${later.token} had opened the lane`,
          );
      }
    }
  }
  if (durable) judgeReads(records, sent, violate);
  increase(counts, 'reads', records.filter(({ e }) => e === 'read').length);
  let lost = 0;
  for (const [id, time] of acknowledged) {
    const row = found.rows.get(id);
    if (row === undefined || row.time < time) {
      lost += 1;
      if (durable)
        violate('lost row', `${id} was acknowledged at ${time}, and has ${row?.value} of ${row?.time}`);
    }
  }
  for (const [id, { time, value }] of found.rows) judgeRow({ id, time, value }, sent, violate);
  if (found.counted !== found.scanned)
    violate('count of rows', `the store counts ${found.counted} rows, and has ${found.scanned}`);
  if (found.count !== found.events)
    violate('count of events', `${COUNTED} windows count ${found.count} events of ${found.events}`);
  judgeExport({ found, accepted, sent, durable }, violate);
  increase(counts, 'rows lost', lost);
  increase(counts, 'events counted', found.events);
  return { violations, counts };
}

type Violate = (rule: string, message: string) => void;

/** A read sees what was acknowledged before it began, and nothing that nobody has sent. */
function judgeReads(
  records: readonly FeaturesRecord[],
  sent: ReadonlyMap<string, SentRow>,
  violate: Violate,
): void {
  const latest = new Map<string, { readonly at: number; readonly time: number }[]>();
  for (const record of records) {
    if (record.e !== 'landed') continue;
    for (const [value, outcome] of Object.entries(record.outcomes)) {
      const row = sent.get(value);
      if (outcome !== 'accepted' || row === undefined) continue;
      const of = latest.get(row.id) ?? [];
      latest.set(row.id, of);
      of.push({ at: record.at, time: Math.max(row.time, of.at(-1)?.time ?? 0) });
    }
  }
  for (const record of records) {
    if (record.e !== 'read') continue;
    const { id, begins, time, value, reason } = record;
    const least = (latest.get(id) ?? []).findLast(({ at }) => at < begins)?.time ?? 0;
    if ((time ?? 0) < least)
      violate('old read', `${id} was read at ${begins} as of ${time} (${reason}), not ${least}`);
    if (time !== undefined && value !== undefined) judgeRow({ id, time, value }, sent, violate);
  }
}

function judgeRow({ id, time, value }: SentRow, sent: ReadonlyMap<string, SentRow>, violate: Violate): void {
  const row = sent.get(value);
  if (row === undefined || row.id !== id || row.time !== time)
    violate('row of nobody', `${id} has ${value} of ${time}, which nobody has sent so`);
}

function judgeExport(
  {
    found,
    accepted,
    sent,
    durable,
  }: Judging & { accepted: readonly string[]; sent: ReadonlyMap<string, SentRow> },
  violate: Violate,
): void {
  if (found.doubled > 0) violate('doubled export', `${found.doubled} rows are in the files twice`);
  const files = new Map<string, number>();
  for (const value of found.exported) increase(files, value, 1);
  for (const value of files.keys())
    if (!sent.has(value)) violate('row of nobody', `${value} is exported, and nobody has sent it`);
  if (!durable) return;
  for (const value of accepted) {
    const times = files.get(value) ?? 0;
    if (times !== 1) violate('lost export', `${value} was accepted, and is in the files ${times} times`);
  }
}
