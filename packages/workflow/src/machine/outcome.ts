/**
 * How a run ends by what its function gives or throws.
 */
import { type AbortedError, messageOf } from '@holdfast/kernel';
import { keptError, type Outcome } from '../journal/record.js';
import { encodeValue } from '../json.js';

export function completed(value: unknown): Outcome {
  try {
    encodeValue(value, 'The result of the run');
    return { status: 'completed', value };
  } catch (error) {
    return { status: 'failed', error: keptError(error) };
  }
}

/** `cancelled`: why the run was cancelled, if it was. */
export function failed(error: unknown, cancelled: AbortedError | undefined): Outcome {
  if (cancelled && error === cancelled) return { status: 'cancelled', reason: messageOf(cancelled.cause) };
  return { status: 'failed', error: keptError(error) };
}
