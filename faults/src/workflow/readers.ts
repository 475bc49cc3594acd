/**
 * Whether the reader of a run's stream was given what its steps have written: the chunks of an attempt in order and without a
 * gap, a restart before those of a later attempt, and in the end what the stream has.
 */
import { isDeepStrictEqual } from 'node:util';
import type { WorkflowRecord } from './assignment.js';
import type { Finding, KeptRun, Promised } from './kept.js';

/** `records`: of one run, which has one reader. */
export function judgeReader(
  records: readonly WorkflowRecord[],
  { run, promised }: { readonly run: KeptRun | undefined; readonly promised: Promised },
  { violate, count }: Finding,
): void {
  const shown = new Map<string, readonly string[]>();
  for (const record of records) {
    if (record.e === 'read all') {
      count('streams read');
      const there = run && chunksOf(run);
      if (promised.keeps && !isDeepStrictEqual(shown, there))
        violate('reader', `${record.run} was read as ${say(shown)}, and has ${say(there)}`);
    }
    if (record.e !== 'read') continue;
    const { run: id, step = '', chunk } = record;
    if (chunk === undefined) {
      if (record.step === undefined) shown.clear();
      else shown.delete(step);
      continue;
    }
    count('chunks read');
    const before = shown.get(step) ?? [];
    const [token] = (before[0] ?? chunk).split(' ');
    if (chunk !== `${token} ${before.length}`)
      violate('reader', `${id}: a reader is given "${chunk}" of ${step} behind ${before.join(', ')}`);
    shown.set(step, [...before, chunk]);
  }
}

function chunksOf({ chunks }: KeptRun): ReadonlyMap<string, readonly string[]> {
  const of = new Map<string, readonly string[]>();
  for (const [step, chunk] of chunks) of.set(step, [...(of.get(step) ?? []), chunk]);
  return of;
}

const say = (chunks: ReadonlyMap<string, readonly string[]> | undefined): string =>
  JSON.stringify([...(chunks ?? [])]);
