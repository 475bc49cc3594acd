/**
 * What every guard says when it refuses a token: the error, a count in OpenTelemetry, a message on a diagnostics channel.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded.
 */
import { channel } from 'node:diagnostics_channel';
import { StaleTokenError } from '@holdfast/kernel';
import { type Counter, metrics } from '@opentelemetry/api';

export type GuardKind = 'redis' | 'postgres' | 'object-store';

/** The message on the channel "holdfast:fence:refused". */
export interface RefusedMessage {
  readonly guard: GuardKind;
  readonly resource: string;
  readonly offered: number;
  readonly seen: number;
}

const refused = channel('holdfast:fence:refused');
let counter: Counter | undefined;

/** The error for a stale token, which is told of. */
export function staleToken(
  guard: GuardKind,
  message: string,
  details: Omit<RefusedMessage, 'guard'>,
): StaleTokenError {
  counter ??= metrics.getMeter('@holdfast/fence').createCounter('holdfast.fence.refused', {
    unit: '{token}',
    description: 'Stale tokens that a guard refused.',
  });
  counter.add(1, { 'holdfast.fence.guard': guard });
  const { resource, offered, seen } = details;
  if (refused.hasSubscribers) refused.publish({ guard, resource, offered, seen } satisfies RefusedMessage);
  return new StaleTokenError(message, { resource, offered, seen });
}
