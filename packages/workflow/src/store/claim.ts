/**
 * How calls name a run, and its owner.
 */

/** A run with the journal that counts, which a retry, a fork and a continuation replace. */
export interface RunRef {
  /** "<workflow>/<place>/<name>", as run-name.ts makes it. */
  readonly run: string;
  /** Which of its journals. */
  readonly generation: string;
}

/** Who owns a run, as each of his calls names it. */
export interface Claim extends RunRef {
  readonly token: number;
  readonly session: string;
}

/** What its keys are named by. */
export const nameOf = ({ run, generation }: RunRef): string => `${run}.${generation}`;
