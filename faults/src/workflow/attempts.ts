/**
 * Whether the bodies that ran, in whichever process, are those that a run's owners may have run: in the order of their
 * tokens, by one valid owner at a time, those of `once` once, and none after the step was done.
 */
import type { JournalRecord } from '@holdfast/workflow';
import { group } from '../check/group.js';
import type { WorkflowRecord } from './assignment.js';
import type { Finding, KeptRun, Promised } from './kept.js';
import { keyOf, type Part, programOf } from './program.js';

interface Attempt {
  readonly run: string;
  readonly step: string;
  readonly token: number;
  readonly process: string;
  readonly begins: number;
  /** Whether its worker could rely on the run when it began, and when it ended. */
  readonly began: boolean;
  ends: number;
  ended: boolean;
  done: boolean;
}

export interface Judging {
  /** By run. */
  readonly records: ReadonlyMap<string, readonly WorkflowRecord[]>;
  readonly runs: ReadonlyMap<string, KeptRun>;
  readonly promised: Promised;
}

export function judgeAttempts({ records, runs, promised }: Judging, found: Finding): void {
  const all = new Map<string, readonly Attempt[]>();
  for (const [run, about] of records) {
    const attempts = attemptsOf(about);
    all.set(run, attempts);
    for (const { ends, ended } of attempts) {
      found.count('bodies');
      if (!ended && ends < Number.POSITIVE_INFINITY) found.count('stale bodies');
    }
    for (const each of group(attempts, ({ step }) => step).values())
      judgeStep(each, { kept: runs.get(run), promised }, found);
    if (promised.exclusive) judgeExclusion(attempts, found);
  }
  if (promised.exclusive) judgeKeys({ records, runs, attempts: all }, found);
}

function attemptsOf(records: readonly WorkflowRecord[]): readonly Attempt[] {
  const attempts: Attempt[] = [];
  for (const record of records) {
    if (record.e !== 'begins' && record.e !== 'ends') continue;
    const { run, step, token, process, at, valid } = record;
    if (record.e === 'begins') {
      const open = { ends: Number.POSITIVE_INFINITY, ended: false, done: false };
      attempts.push({ run, step, token, process, begins: at, began: valid, ...open });
      continue;
    }
    const begun = attempts.findLast(
      (one) => one.step === step && one.token === token && one.process === process,
    );
    if (begun) Object.assign(begun, { ends: at, ended: valid, done: record.done });
  }
  return attempts;
}

/** The attempts of one step. */
function judgeStep(
  attempts: readonly [Attempt, ...Attempt[]],
  { kept, promised }: { readonly kept: KeptRun | undefined; readonly promised: Promised },
  { violate, count }: Finding,
): void {
  const { keeps, exclusive, ordered } = promised;
  const [{ run: id, step }] = attempts;
  const inOrder = [...attempts].sort((one, two) => one.token - two.token);
  for (const [place, one] of inOrder.entries()) {
    const next = inOrder[place + 1];
    if (next === undefined) break;
    const both = `${step} of ${id} in ${one.process} under ${one.token}, and in ${next.process} under ${next.token}`;
    if (one.token === next.token) violate('unique token', both);
    if (exclusive && one.began && next.begins < one.begins) violate('token order', both);
  }
  if (isOnce(id, step) && attempts.length > 1) {
    count('bodies of once again');
    if (keeps) violate('once', `${step} of ${id} began ${attempts.length} times`);
  }
  const highest = inOrder.at(-1)?.token ?? 0;
  const done = kept?.journal.find((record) => record.kind === 'done' && record.name === step);
  if (ordered && done?.kind === 'done' && done.token < highest)
    violate('stale result', `${step} of ${id} was done under ${done.token}, and ${highest} had begun`);
  if (done?.kind === 'done' && !attempts.some(({ token, done: isDone }) => isDone && token === done.token))
    violate('stale result', `${step} of ${id} is done under ${done.token}, of which no body has ended`);
}

/** While a worker could rely on a run to the end of a body, no other worker had the run. */
function judgeExclusion(attempts: readonly Attempt[], { violate }: Finding): void {
  for (const one of attempts.filter(({ ended }) => ended)) {
    const other = attempts.find(
      ({ process, began, begins }) =>
        process !== one.process && began && begins > one.begins && begins < one.ends,
    );
    if (other)
      violate(
        'mutual exclusion',
        `${one.run}: ${one.process} has ${one.step} under ${one.token}, ${other.process} begins ${other.step} under ${other.token}`,
      );
  }
}

/** Of one key: no run begins before the one that was started before it is over. */
function judgeKeys(
  {
    records,
    runs,
    attempts,
  }: Omit<Judging, 'promised'> & { readonly attempts: ReadonlyMap<string, readonly Attempt[]> },
  { violate }: Finding,
): void {
  const before = new Map<string, string>();
  for (const [run, about] of records) {
    const key = keyOf(run);
    if (key === undefined || !about.some(({ e }) => e === 'started')) continue;
    const earlier = before.get(key);
    before.set(key, run);
    if (earlier === undefined) continue;
    const journal = runs.get(earlier)?.journal ?? [];
    const over = Math.max(...(attempts.get(earlier) ?? []).filter(isIn(journal)).map(({ ends }) => ends));
    const first = Math.min(...(attempts.get(run) ?? []).map(({ begins }) => begins));
    if (first < over)
      violate('order of a key', `${run} began before ${earlier}, which came before it, was over`);
  }
}

/** Whether an attempt is the one with which the journal has the step done. */
const isIn =
  (journal: readonly JournalRecord[]) =>
  ({ step, token }: Attempt): boolean =>
    journal.some((record) => record.kind === 'done' && record.name === step && record.token === token);

function isOnce(run: string, step: string): boolean {
  const isIt = (part: Part): boolean => part.f === 'once' && part.name === step;
  return !run.startsWith('~') && programOf(run).parts.some(isIt);
}
