/**
 * What people answer to what a run has asked them to approve.
 *
 * Guarantees: an answer goes to an approval that is open, and to no later one of its name. An approval has one answer: of
 * several, the first in the journal; whoever gives another is told. Nothing is answered before it is asked.
 */
import { display, MisuseError } from '@holdfast/kernel';
import { encodeRecord } from '../journal/record.js';
import { requireCallName } from '../machine/arguments.js';
import { type Approval, answerTo, isOfJournal, readPublished } from '../machine/published.js';
import type { RunRef } from '../store/claim.js';
import type { Store } from '../store/store.js';
import { onReplicas } from './durable.js';
import type { FoundRun } from './status.js';

/** By its name, the one that is open; or exactly one, as `run.approvals()` gives it. */
export type WhichApproval = string | Pick<Approval, 'id' | 'name'>;

/** Throws MisuseError. */
export function requireApproval(which: unknown): Partial<Approval> & { readonly name: string } {
  if (typeof which !== 'object' || which === null) {
    requireCallName('The name of an approval', which);
    return { name: which as string };
  }
  const { id, name } = which as Partial<Approval>;
  if (typeof id === 'string' && typeof name === 'string') return { id, name };
  throw new MisuseError(`An approval is what run.approvals() gives, or its name; got ${display(which)}.`);
}

/** What waits for an answer: a run that is over waits for none, and what an earlier journal has shown counts no more. */
export function openIn({ word, state, generation }: FoundRun): readonly Approval[] {
  const { approvals } = readPublished(state);
  return word === 'over' ? [] : approvals.filter((approval) => isOfJournal(approval, generation));
}

export interface Answering {
  readonly run: string;
  readonly which: Partial<Approval> & { readonly name: string };
  readonly payload: unknown;
  /** Throws RunGoneError. */
  readonly find: () => Promise<FoundRun>;
}

/** Whether it is the answer. False if it is not open, or has another. Rejects with what a call rejects with. */
export async function approve(
  store: Pick<Store, 'tell' | 'page' | 'isReplicated' | 'proof' | 'replicated'>,
  { run, which, payload, find }: Answering,
): Promise<boolean> {
  for (;;) {
    const found = await find();
    const open = openIn(found).find(
      ({ id, name }) => name === which.name && (which.id === undefined || which.id === id),
    );
    if (open === undefined) return false;
    const ref = { run, generation: found.generation };
    const answer = answerTo(open);
    const text = encodeRecord({ kind: 'message', ...answer, payload });
    const { word } = await store.tell(ref, text);
    // The run is gone, or goes on over another journal, where something else may be open.
    if (word === 'gen' || word === 'unknown') continue;
    if (word !== 'told' || !(await isFirst(store, ref, { id: answer.id, text }))) return false;
    await onReplicas(store, ref);
    return true;
  }
}

/** Whether of the messages with that id, the first has that text. */
async function isFirst(
  store: Pick<Store, 'page'>,
  run: RunRef,
  { id, text }: { readonly id: string; readonly text: string },
): Promise<boolean> {
  for (let from = 0; ; ) {
    const page = await store.page(run, from);
    const first = page.find((each) => each.startsWith(`M ${id}\n`));
    if (first !== undefined) return first === text;
    if (page.length === 0) return true; // it was taken, and its journal is there no more
    from += page.length;
  }
}
