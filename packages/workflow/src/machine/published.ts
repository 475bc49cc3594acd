/**
 * What a run publishes: a value of its function's, and what it has asked people to approve.
 *
 * Guarantees: the text is the same whenever the function has come to the same place.
 */
import { MisuseError } from '@holdfast/kernel';
import { encodeValue } from '../json.js';

/** What somebody is asked to approve. */
export interface Approval {
  readonly name: string;
  /** Who is asked, as the function said it. */
  readonly to?: string;
  /** What they are shown. */
  readonly show?: unknown;
}

export class Published {
  #value: unknown;
  #approvals: readonly Approval[] = [];
  readonly #publish: (state: string) => void;

  constructor(publish: (state: string) => void) {
    this.#publish = publish;
  }

  /** Throws MisuseError. */
  set(value: unknown): void {
    encodeValue(value, 'The state');
    this.#value = value;
    this.#changed();
  }

  /** Throws MisuseError, also if one of its name is open. */
  open(approval: Approval): void {
    if (this.#approvals.some(({ name }) => name === approval.name)) {
      throw new MisuseError(`An approval "${approval.name}" is open already; give each a name of its own.`);
    }
    encodeValue(approval.show, `What the approval "${approval.name}" shows`);
    this.#approvals = [...this.#approvals, approval];
    this.#changed();
  }

  close(approval: Approval): void {
    this.#approvals = this.#approvals.filter((each) => each !== approval);
    this.#changed();
  }

  #changed(): void {
    this.#publish(JSON.stringify({ value: this.#value, approvals: this.#approvals }));
  }
}

/** Of what a run has published; '' for nothing. */
export function readPublished(text: string): {
  readonly value?: unknown;
  readonly approvals: readonly Approval[];
} {
  return text === '' ? { approvals: [] } : JSON.parse(text);
}
