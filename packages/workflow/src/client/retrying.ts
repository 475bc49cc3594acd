/**
 * What lets a run go over a part of its way again: a retry of the run itself, or a fork into another.
 *
 * Guarantees: the journal that was is not changed. A retry that finds the run going, or retried by another meanwhile,
 * does nothing.
 */
import { createHash } from 'node:crypto';
import { MisuseError, type Random } from '@holdfast/kernel';
import type { Workflow } from '../define.js';
import { RunsFullError } from '../errors.js';
import { type Cut, cutBefore } from '../journal/cut.js';
import { readJournal } from '../journal/read.js';
import { encodeRecord, type Header, type JournalRecord } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Declarations } from '../store/declarations.js';
import type { AnewRequest, Store } from '../store/store.js';

export interface RetryParts {
  readonly store: Store;
  readonly random: Random;
  /** In ms. */
  readonly retain: number;
}

/**
 * Lets a run go on that is stuck, has failed or was cancelled. False if it goes on already, or has completed; undefined if it
 * is not there. Throws MisuseError for a step that it has not done.
 */
export async function retry(
  parts: RetryParts,
  { run, from }: { readonly run: string; readonly from: string | undefined },
): Promise<boolean | undefined> {
  const { store, random, retain } = parts;
  for (let generation = ''; ; ) {
    const found = await store.find({ run, generation }, '');
    if (found.word === 'unknown') return undefined;
    generation = found.generation;
    if (found.word === 'gen') continue;
    if (found.word === 'stuck' && from === undefined) {
      const word = await store.retry(run);
      if (word !== 'unknown') return word === 'ready';
      continue;
    }
    if (found.word !== 'stuck' && found.word !== 'over') return false;
    const records = await readJournal(store, { run, generation });
    const end = records.at(-1);
    if (end?.kind === 'end' && end.outcome.status === 'completed') return false;
    const to = { run, generation: random.id() };
    const anew = await store.anew({
      ...requestOf(records, cutBefore(records, from), to),
      from: { run, generation },
      retain,
    });
    if (anew.word === 'ready') return true;
    if (anew.word === 'going') return false;
  }
}

interface ForkParts extends RetryParts {
  readonly workflow: Pick<Workflow, 'name' | 'limits'>;
  readonly declarations: Declarations;
}

export interface ForkRequest {
  readonly run: string;
  /** The run that begins. */
  readonly to: string;
  readonly from: string | undefined;
}

/**
 * Begins another run over a part of the journal of one, and gives its generation. The same fork of the same journal has the
 * same, so it may be repeated. Undefined if the run is not there. Throws MisuseError, RunsFullError.
 */
export async function fork(
  parts: ForkParts,
  { run, to: name, from }: ForkRequest,
): Promise<string | undefined> {
  const { store, retain, workflow, declarations } = parts;
  // Of itself, it would be a retry.
  if (name === run) throw inUse(name);
  for (let generation = ''; ; ) {
    const found = await store.find({ run, generation }, '');
    if (found.word === 'unknown') return undefined;
    generation = found.generation;
    if (found.word === 'gen') continue;
    await declarations.ensure(workflow);
    const records = await readJournal(store, { run, generation });
    const to = { run: name, generation: hashOf([run, generation, name, from ?? '']) };
    const anew = await store.anew({
      ...requestOf(records, cutBefore(records, from, true), to, true),
      from: { run, generation },
      retain,
      limits: workflow.limits?.version,
    });
    if (anew.word === 'undeclared') declarations.forgotten(workflow);
    if (anew.word === 'full') {
      const { most, wait } = anew.full;
      throw new RunsFullError({ workflow: workflow.name, max: most, retryAfter: wait });
    }
    if (anew.word === 'exists') throw inUse(name);
    if (anew.word === 'ready') return to.generation;
  }
}

const inUse = (run: string): MisuseError =>
  new MisuseError(`There is a run "${run}" already, which is not this fork; give the fork an id of its own.`);

const hashOf = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 14);

function requestOf(
  records: readonly JournalRecord[],
  cut: Cut,
  to: RunRef,
  isFork = false,
): Omit<AnewRequest, 'from' | 'retain'> {
  const header: Header = {
    ...(records[0] as Header),
    generation: to.generation,
    ...(isFork ? { kept: cut.cut, at: undefined } : {}),
  };
  return { ...cut, to, header: encodeRecord(header), length: records.length, claim: undefined };
}
