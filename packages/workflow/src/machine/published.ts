/**
 * What a run publishes: a value of its function's, and what it has asked people to approve.
 *
 * Guarantees: the text is the same whenever the function has come to the same place.
 */
import { MisuseError, plainValue } from '@holdfast/kernel';
import { encodeValue } from '../json.js';

/** What somebody is asked to approve. */
export interface Approval {
  /** Names it among all of all runs: `run.approve` takes the approval, and answers no other. */
  readonly id: string;
  readonly name: string;
  /** Who is asked, as the function said it. */
  readonly to?: string;
  /** What they are shown. */
  readonly show?: unknown;
}

/** Of the approval that is asked at a place of a function. A run that goes over its way again asks anew. */
export const approvalId = (generation: string, place: string): string => `${generation}/${place}`;

/** Whether it is asked in the journal of that generation. */
export const isOfJournal = ({ id }: Approval, generation: string): boolean => id.startsWith(`${generation}/`);

/**
 * The message that answers it. Its name is that of the place, so that a retry finds the answer that is in its journal; its id
 * has the generation too, so that there is one answer.
 */
export function answerTo({ id, name: of }: Pick<Approval, 'id' | 'name'>): {
  readonly id: string;
  readonly name: string;
} {
  const slash = id.indexOf('/');
  const name = `approve:${of}:${id.slice(slash + 1)}`;
  return { name, id: `${name}@${id.slice(0, slash)}` };
}

/** Whether a message is an answer to an approval. */
export const isAnswer = ({ id, name }: { readonly id: string; readonly name: string }): boolean =>
  name.startsWith('approve:') && id.startsWith(`${name}@`);

export class Published {
  #value: unknown;
  #approvals: readonly Approval[] = [];
  readonly #publish: (state: string, isAwaited: boolean) => void;

  /** `isAwaited`: people wait to see it. */
  constructor(publish: (state: string, isAwaited: boolean) => void) {
    this.#publish = publish;
  }

  /** Throws MisuseError. */
  set(value: unknown): void {
    encodeValue(value, 'The state');
    this.#value = value;
    this.#changed(false);
  }

  /** Throws MisuseError, also if one of its name is open. */
  open(approval: Approval): void {
    if (this.#approvals.some(({ name }) => name === approval.name)) {
      throw new MisuseError(`An approval "${approval.name}" is open already; give each a name of its own.`);
    }
    encodeValue(approval.show, `What the approval "${approval.name}" shows`);
    this.#approvals = [...this.#approvals, approval];
    this.#changed(true);
  }

  close(approval: Approval): void {
    this.#approvals = this.#approvals.filter((each) => each !== approval);
    this.#changed(true);
  }

  #changed(isAwaited: boolean): void {
    this.#publish(JSON.stringify({ value: this.#value, approvals: this.#approvals }), isAwaited);
  }
}

interface WhatIsPublished {
  readonly value?: unknown;
  readonly approvals: readonly Approval[];
}

/** Of what a run has published; '' for nothing. Throws CodecError. */
export const readPublished = (text: string): WhatIsPublished =>
  text === '' ? { approvals: [] } : (plainValue(text) as WhatIsPublished);
