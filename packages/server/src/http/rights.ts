/**
 * Which operations a caller may have, and which of them change something.
 */
import type { Caller } from '../auth/caller.js';
import { ForbiddenError } from '../errors.js';
import type { Operation } from '../operations/operation.js';

const READS = ['read', 'data', 'any'];

/** Whether an operation changes something: many that read are of method POST. */
export const changes = ({ right = 'any' }: Operation): boolean =>
  !READS.includes(right.split(':').at(-1) ?? '');

/** Whether an operation belongs into the audit trail: what changes something, and what shows people's data. */
export const isNoted = (operation: Operation): boolean =>
  operation.right?.endsWith(':data') === true ||
  (changes(operation) && operation.right !== undefined) ||
  operation.id === 'product.signIn';

/** Throws ForbiddenError. */
export function requireRight(
  caller: Caller,
  { right, judgedBy }: Operation,
  params: Record<string, string>,
): void {
  if (right === undefined || right === 'any') return;
  const name = judgedBy === undefined ? undefined : params[judgedBy];
  if (name === undefined ? caller.mayWithSome(right) : caller.may(right, name)) return;
  throw new ForbiddenError(
    `The key of ${caller.subject} lacks the right ${right}${name === undefined ? '' : ` for this ${judgedBy}`}.`,
    right,
  );
}
