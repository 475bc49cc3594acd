/**
 * The result of a task, as it is kept: JSON, or, after a mark that no JSON begins with, the reason why it is not kept.
 *
 * Guarantees: encoding never throws: a handler that has succeeded is not run again because of what it returned.
 */
import { messageOf } from '@holdfast/kernel';
import { encodeData } from './data.js';

const MARK = '!';

/** The result of a completed task, or the reason why it was not kept. */
export interface KeptResult {
  readonly result: unknown;
  readonly notKept?: string;
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
  if (result instanceof NotKept) return MARK + result.reason;
  try {
    return encodeData(result, most, 'The result');
  } catch (error) {
    return MARK + messageOf(error);
  }
}

/** The reason why a result was not kept; undefined if `text` is a result. */
export function whyNotKept(text: string): string | undefined {
  return text.startsWith(MARK) ? text.slice(MARK.length) : undefined;
}

export function readResult(text: string): KeptResult {
  const reason = whyNotKept(text);
  return reason === undefined ? { result: JSON.parse(text) } : { result: undefined, notKept: reason };
}
