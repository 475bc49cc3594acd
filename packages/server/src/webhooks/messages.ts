/**
 * What is told of an event: its kind, and what it is about; results and reasons only where the webhook asks for data.
 *
 * Guarantees: the message of an event has the same id and the same body each time that it is made. A body is at most 64 KiB:
 * beyond that, the data are left out, and it says so.
 */
import { createHash } from 'node:crypto';
import type { QueueEvent } from '@holdfast/queue';
import type { WorkflowEvent } from '@holdfast/workflow';
import type { Webhook } from './registry.js';
import type { Message } from './sending.js';

export const QUEUE_KINDS = [
  ...(['added', 'begun', 'completed', 'retried', 'deferred', 'failed', 'progress', 'removed'] as const),
  ...(['cancelled', 'stalled', 'opened', 'closed'] as const),
] as const satisfies readonly QueueEvent['kind'][];

export const RUN_KINDS = [
  ...(['started', 'waiting', 'stuck', 'ended', 'gap'] as const),
] as const satisfies readonly WorkflowEvent['kind'][];

export type Event = QueueEvent | WorkflowEvent;

/** What tells nothing of people's data. */
const STATES = ['id', 'run', 'key', 'status', 'waitsFor', 'delay', 'pause'];
const LARGEST = 65_536;

/** Undefined for an event that the webhook does not tell of. */
export function messageOf(webhook: Webhook, event: Event): Message | undefined {
  const { name, since, queue, workflow, kinds, data } = webhook;
  if (kinds !== undefined && !kinds.includes(event.kind)) return undefined;
  if ('workflow' in event && event.workflow !== workflow) return undefined;
  const { kind, cursor, at = since, ...rest } = event as Event & { readonly at?: number };
  if (kind !== 'gap' && at < since) return undefined;
  const shown = Object.entries(rest).filter(([field]) => data || STATES.includes(field));
  const about = queue === undefined ? { workflow } : { queue };
  const type = `${queue === undefined ? 'workflow' : 'queue'}.${kind}`;
  const id = createHash('sha256')
    .update(JSON.stringify([name, since, 'id' in event && event.id !== '' ? [event.id, at] : cursor, kind]))
    .digest('base64url');
  const head = { type, timestamp: new Date(at).toISOString(), webhook: name };
  const body = JSON.stringify({ ...head, data: { ...about, ...Object.fromEntries(shown) } });
  if (Buffer.byteLength(body) <= LARGEST) return { id: `msg_${id}`, body };
  const few = Object.fromEntries(Object.entries(rest).filter(([field]) => STATES.includes(field)));
  return { id: `msg_${id}`, body: JSON.stringify({ ...head, data: { ...about, ...few }, truncated: true }) };
}
