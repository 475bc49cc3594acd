/**
 * The result of a task, as it is kept: JSON; encoded JSON (sealed.ts); or, after a mark that no JSON begins with, the reason why it is not kept.
 *
 * Guarantees: encoding never throws: a handler that has succeeded is not run again because of what it returned.
 */
import { messageOf } from '@holdfast/kernel';
import { encodeData } from './data.js';
import { readValue } from './sealed.js';

const MARK = '!';

/** The result of a completed task, or the reason why it was not kept. */
export interface KeptResult {
  readonly result: unknown;
  readonly notKept?: string;
  /** Why the result cannot be decoded, where somebody only looks: it is undefined then. */
  readonly encoded?: string;
}

/** Stands for a result that never got here, with the reason. */
export class NotKept {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

export function encodeResult(result: unknown, most: number): string {
  if (result === undefined) return 'null';
  if (result instanceof NotKept) return notKept(result.reason);
  try {
    return encodeData(result, most, 'The result');
  } catch (error) {
    return notKept(messageOf(error));
  }
}

/** Stands for a result that is not kept. */
export const notKept = (reason: string): string => MARK + reason;

/** The reason why a result was not kept; undefined if `text` is a result. */
export function whyNotKept(text: string): string | undefined {
  return text.startsWith(MARK) ? text.slice(MARK.length) : undefined;
}

export function readResult(text: string): KeptResult {
  const reason = whyNotKept(text);
  return reason === undefined ? { result: readValue(text) } : { result: undefined, notKept: reason };
}

/** How one of the tasks has ended for which a follow-up waits. */
export type TaskOutcome = {
  /** Its place in the list that was given to `addMany`, from 0. */
  readonly place: number;
  readonly id: string;
} & (
  | {
      readonly state: 'completed';
      readonly result: unknown;
      /** Why the value that its handler returned was not kept as the result. */
      readonly notKept?: string;
    }
  | { readonly state: 'failed' | 'cancelled'; readonly reason: string }
  /** Removed by somebody; or not added, because another task had its id. */
  | { readonly state: 'removed' | 'skipped' }
);

const STATES = { f: 'failed', c: 'cancelled', x: 'removed', o: 'skipped' } as const;

/** Reads how a task of a fan-in has ended, as lua/fans.lua keeps it; nothing if it has not ended. */
export function readOutcome(place: number, text: string): TaskOutcome[] {
  const end = text.indexOf('\n');
  if (end < 0) return [];
  const id = String(JSON.parse(text.slice(1, end)));
  const value = text.slice(end + 1);
  if (text.startsWith('r')) return [{ place, id, state: 'completed', ...readResult(value) }];
  const state = STATES[text[0] as keyof typeof STATES];
  if (state === 'failed' || state === 'cancelled') return [{ place, id, state, reason: value }];
  return [{ place, id, state }];
}
