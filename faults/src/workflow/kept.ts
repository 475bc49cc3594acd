/**
 * What the judge of workflows is given: what there is in the end, and what was promised of it; and what the parts of the judge
 * tell it.
 */
import type { JournalRecord, Outcome } from '@holdfast/workflow';

/** A run as it is in the end. */
export interface KeptRun {
  readonly id: string;
  readonly workflow: string;
  readonly journal: readonly JournalRecord[];
  /** What its stream has of the last attempts: of each chunk, the place of its step, and its text. */
  readonly chunks: readonly (readonly [step: string, chunk: string])[];
  /** What `result` says; undefined if it does not say an end. */
  readonly told: Outcome | undefined;
}

export interface Kept {
  readonly runs: ReadonlyMap<string, KeptRun>;
  /** How often each effect was carried out, as `effectOf` names it. */
  readonly effects: ReadonlyMap<string, number>;
}

/** What the deployment allows to be promised. */
export interface Promised {
  /** What somebody was told is not lost. */
  readonly keeps: boolean;
  /** There is one server, which forgets nothing, so a run has one valid owner at any time. */
  readonly exclusive: boolean;
  /** A later attempt has a higher token. Otherwise, a master that does not know its successor may issue some besides it. */
  readonly ordered: boolean;
}

/** What is found. */
export interface Finding {
  violate(rule: string, message: string): void;
  count(name: string): void;
}
