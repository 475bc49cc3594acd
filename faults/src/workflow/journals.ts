/**
 * Whether the journal of a run that is over is one that its program may have, and whether its end is what the journal says.
 * These rules hold whatever a server has forgotten: a journal is kept, or lost, from its end on, with all that belongs to it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JournalRecord, Outcome } from '@holdfast/workflow';
import { effectOf, TERMINATED } from './assignment.js';
import { UNDO } from './function.js';
import type { Finding, Kept, KeptRun } from './kept.js';
import { type Part, PLANNED, programOf, receiptsOf, stepsIn, UNKNOWN } from './program.js';

type Violate = Finding['violate'];

export interface Judging extends Kept {
  /** Whether somebody has asked that it be cancelled. */
  readonly isCancelled: boolean;
}

/** Nothing of such a run is undone. */
export const isTerminated = (outcome: Outcome): boolean =>
  outcome.status === 'cancelled' && outcome.reason === TERMINATED;

type Done = Extract<JournalRecord, { kind: 'done' }>;

export function judgeJournal(
  run: KeptRun,
  { runs, effects, isCancelled }: Judging,
  { violate, count }: Finding,
): void {
  const { id, workflow, journal, told } = run;
  const end = journal.at(-1);
  if (end?.kind !== 'end' || journal.filter(({ kind }) => kind === 'end').length > 1) {
    violate('end', `${id} is not over, or its journal goes on behind its end: ${JSON.stringify(end)}`);
    return;
  }
  count(`${workflow === 'leaf' ? 'children' : 'runs'} ${end.outcome.status}`);
  if (!isDeepStrictEqual(told, end.outcome))
    violate('result', `${id} says ${JSON.stringify(told)}, its journal ${JSON.stringify(end.outcome)}`);
  judgeOnce(run, violate);
  judgeEffects(run, partsOf(run), effects, violate);
  judgeStream(run, partsOf(run), violate);
  judgeChildren(run, runs, violate);
  if (end.outcome.status !== 'completed' && !isTerminated(end.outcome)) judgeUndone(run, violate);
  for (const { kind } of journal) {
    if (kind === 'takeover') count('takeovers');
    if (kind === 'done') count('steps done');
    if (kind === 'retry') count('attempts failed');
    if (kind === 'message') count('messages');
  }
  const flaw = workflow === 'leaf' ? flawOfChild(run, end.outcome) : flawOf(run, end.outcome, isCancelled);
  if (flaw) violate('result', `${id}: ${flaw}`);
}

/** Each call has one outcome, and the attempts before it had lower tokens. */
function judgeOnce({ id, journal }: KeptRun, violate: Violate): void {
  const ended = new Set<string>();
  const tokens = new Map<string, number>();
  for (const record of journal) {
    if (record.kind !== 'done' && record.kind !== 'failed' && record.kind !== 'retry') continue;
    if (ended.has(record.id)) violate('done again', `${id} has more of ${record.name}, which had ended`);
    if (record.kind !== 'retry') ended.add(record.id);
    // An outcome that nobody knows has no attempt of its own.
    if (record.span === undefined) continue;
    const before = tokens.get(record.id) ?? 0;
    if (record.token <= before)
      violate('token order', `${id}: an attempt of ${record.name} under ${record.token} after ${before}`);
    tokens.set(record.id, record.token);
  }
}

/** The effect of a step was carried out once, with the commit of its result. */
function judgeEffects(
  { id, journal }: KeptRun,
  parts: readonly Part[],
  effects: Kept['effects'],
  violate: Violate,
): void {
  const done = doneIn(journal);
  const names = stepsIn(parts).flatMap(({ name, body }) => (body.does === 'effect' ? [name] : []));
  for (const step of names.flatMap((name) => [name, `${UNDO}${name}`])) {
    const times = effects.get(effectOf(id, step)) ?? 0;
    if (times !== (done.has(step) ? 1 : 0))
      violate('effects', `${id}: ${step} is ${done.has(step) ? '' : 'not '}done, its effect ${times} times`);
  }
}

/** A stream has all chunks of the attempt with which a step was done, once and in order. */
function judgeStream({ id, journal, chunks }: KeptRun, parts: readonly Part[], violate: Violate): void {
  const done = doneIn(journal);
  for (const { name, body } of stepsIn(parts)) {
    const record = done.get(name);
    if (record === undefined) continue;
    const written = chunks.flatMap(([step, chunk]) => (step === record.id ? [chunk] : []));
    const expected = Array.from({ length: body.chunks }, (_, index) => `${record.token} ${index}`);
    if (!isDeepStrictEqual(written, expected))
      violate('stream', `${id}: ${name} is done under ${record.token}, its chunks are ${written.join(', ')}`);
  }
}

/** A child is begun once, and its end is told as it is. */
function judgeChildren({ id, journal }: KeptRun, runs: Kept['runs'], violate: Violate): void {
  const begun = new Map<string, string>();
  for (const record of journal) {
    if (record.kind === 'child') {
      if (begun.has(record.id)) violate('child', `${id} has begun the child ${record.id} twice`);
      begun.set(record.id, decodeURIComponent(record.run.split('/').at(-1) ?? ''));
    }
    if (record.kind !== 'over') continue;
    const child = runs.get(begun.get(record.id) ?? '');
    const end = child?.journal.at(-1);
    if (end?.kind !== 'end' || !isDeepStrictEqual(end.outcome, record.outcome))
      violate('child', `${id} is told of its child ${child?.id}: ${JSON.stringify(record.outcome)}`);
  }
}

/** What has begun and can be undone was undone, from the last to the first. */
function judgeUndone({ id, journal }: KeptRun, violate: Violate): void {
  const entered = journal.flatMap((record) => (record.kind === 'entry' ? [`${UNDO}${record.name}`] : []));
  const undone = journal.flatMap((record) =>
    record.kind === 'done' && record.name.startsWith(UNDO) ? [record.name] : [],
  );
  if (!isDeepStrictEqual(undone, entered.toReversed()))
    violate('undo', `${id} has not completed; undone is ${undone.join(', ')} of ${entered.join(', ')}`);
}

function flawOf({ id, journal }: KeptRun, outcome: Outcome, isCancelled: boolean): string | undefined {
  const program = programOf(id);
  const [header] = journal;
  if (header?.kind !== 'header' || !isDeepStrictEqual(header.input, JSON.parse(JSON.stringify(program))))
    return `its input is ${JSON.stringify(header)}`;
  if (outcome.status === 'cancelled') return isCancelled ? undefined : 'nobody has cancelled it';
  if (outcome.status === 'failed') {
    if (program.fails && outcome.error.message.includes(PLANNED)) return undefined;
    return `it failed: ${outcome.error.message}`;
  }
  if (program.fails) return 'it completed, but has to fail';
  const received = (outcome.value as readonly unknown[]).filter((_, n) => program.parts[n]?.f === 'receive');
  const expected = Array.from({ length: receiptsOf(program) }, (_, n) => n);
  if (!isDeepStrictEqual(received, expected))
    return `it took the messages ${received.join(', ')}, not ${expected.join(', ')}`;
  return flawOfValues(program.parts, outcome.value, doneIn(journal));
}

function flawOfChild(run: KeptRun, outcome: Outcome): string | undefined {
  if (outcome.status === 'failed') return `it failed: ${outcome.error.message}`;
  if (outcome.status === 'cancelled') return undefined; // with its parent
  return flawOfValues(partsOf(run), outcome.value, doneIn(run.journal));
}

/** That of a child is with its header only. */
function partsOf({ id, workflow, journal: [header] }: KeptRun): readonly Part[] {
  if (workflow !== 'leaf') return programOf(id).parts;
  return header?.kind === 'header' ? (header.input as readonly Part[]) : [];
}

const doneIn = (journal: readonly JournalRecord[]): ReadonlyMap<string, Done> =>
  new Map(journal.flatMap((record) => (record.kind === 'done' ? [[record.name, record]] : [])));

/** What is wrong about the values of parts, by what the journal says of their steps. */
function flawOfValues(
  parts: readonly Part[],
  values: unknown,
  done: ReadonlyMap<string, Done>,
): string | undefined {
  if (!Array.isArray(values) || values.length !== parts.length)
    return `${parts.length} parts gave ${JSON.stringify(values)}`;
  const flaws = parts.map((part, index) => flawOfValue(part, values[index], done));
  return flaws.find((flaw) => flaw !== undefined);
}

function flawOfValue(part: Part, value: unknown, done: ReadonlyMap<string, Done>): string | undefined {
  switch (part.f) {
    case 'step':
    case 'once': {
      if (part.f === 'once' && value === UNKNOWN) return undefined;
      const record = done.get(part.name);
      if (record && record.value === value && record.token === value) return undefined;
      return `${part.name} gave ${JSON.stringify(value)}, and its journal says ${JSON.stringify(record)}`;
    }
    case 'sleep':
      return value === 'slept' ? undefined : `a sleep gave ${JSON.stringify(value)}`;
    case 'all':
      return flawOfValues(part.parts, value, done);
    default:
      return undefined; // messages are judged together, children by their own journals
  }
}
