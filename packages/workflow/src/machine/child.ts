/**
 * A child of a run: what it is called, how its journal begins, and what its end means to the call that waits for it.
 *
 * Guarantees: the same call of the same journal of a run has the same child, however often it is asked for.
 */
import { createHash } from 'node:crypto';
import { display, MisuseError, optional, readOptions, readSchema, type Schema } from '@holdfast/kernel';
import { RunCancelledError, RunFailedError } from '../errors.js';
import { encodeRecord, type Outcome } from '../journal/record.js';
import { parseRunName, placeOf, name as requireName, runName } from '../run-name.js';
import { callKey } from '../step/options.js';
import type { RunRef } from '../store/claim.js';
import type { Effect } from '../store/store.js';

interface ChildDefinition<Input, Result> {
  readonly name: string;
  readonly input: Schema<unknown, Input> | undefined;
  readonly run: (context: never, input: Input) => Promise<Result>;
}

/** A workflow, as `defineWorkflow` makes it, or the name of one whose function other programs have. */
export type ChildWorkflow<Input, Result> = ChildDefinition<Input, Result> | string;

export interface ChildOptions {
  /** Names the call in place of its number, within its scope. 1 to 128 letters, digits and "_.:-". */
  readonly key?: string;
  /** What becomes of it if this run ends before it does. Default "cancel". */
  readonly onParentEnd?: 'cancel' | 'abandon';
}

const CHILD = {
  key: optional(callKey),
  onParentEnd: (option: string, value: unknown = 'cancel'): 'cancel' | 'abandon' => {
    if (value === 'cancel' || value === 'abandon') return value;
    throw new MisuseError(`${option} is "cancel" or "abandon"; got ${display(value)}.`);
  },
};

export const readChildOptions = (options: ChildOptions = {}) => readOptions('child', options, CHILD);

/** Throws MisuseError. */
export function readChildWorkflow(
  workflow: unknown,
): Pick<ChildDefinition<unknown, unknown>, 'name' | 'input'> {
  if (typeof workflow === 'string') {
    return { name: requireName('The name of the workflow of a child', workflow), input: undefined };
  }
  const { name, input, run } = Object(workflow) as Partial<
    Record<keyof ChildDefinition<never, never>, unknown>
  >;
  if (typeof run !== 'function' || typeof name !== 'string') {
    throw new MisuseError(
      `A child is of a workflow, as defineWorkflow makes it, or of the name of one; got ${display(workflow)}.`,
    );
  }
  return {
    name,
    input: input === undefined ? undefined : readSchema(`The input of the workflow "${name}"`, input),
  };
}

export interface Child {
  readonly run: string;
  readonly onParentEnd: 'cancel' | 'abandon';
  /** Begins it, or adopts it: of this journal, or under the name that an earlier one has given it. */
  readonly effect: (run: string) => Effect;
}

interface ChildCall {
  readonly id: string;
  readonly workflow: string;
  readonly input: unknown;
  readonly onParentEnd: 'cancel' | 'abandon';
  readonly trace: string | undefined;
}

export function childOf(parent: RunRef, { id, workflow, input, onParentEnd, trace }: ChildCall): Child {
  const of = `${parent.run}.${parent.generation}`;
  return {
    run: runName({ workflow, id: `~${parent.generation}.${id}`, key: placeOf(parent.run) }),
    onParentEnd,
    effect(run) {
      // It follows from the name, so that whoever begins it again means the same journal.
      const generation = createHash('sha256').update(run).digest('base64url').slice(0, 14);
      const header = encodeRecord({
        ...{ kind: 'header', workflow, input, generation, parent: of },
        ...(trace !== undefined && { trace }),
      });
      return { word: 'child', run, generation, header, parent: `${of} ${id}` };
    },
  };
}

export const cancelOf = (run: string, reason: string): Effect => ({
  word: 'tell',
  run,
  record: encodeRecord({ kind: 'cancel', reason }),
});

/** What a call rejects with whose child did not complete. */
export function errorOf(run: string, outcome: Exclude<Outcome, { status: 'completed' }>): Error {
  const { workflow, id } = parseRunName(run);
  if (outcome.status === 'failed') return new RunFailedError({ workflow, id, reason: outcome.error });
  return new RunCancelledError({ workflow, id, reason: outcome.reason });
}
