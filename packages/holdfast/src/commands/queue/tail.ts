/** `holdfast queue tail`: prints the events of a queue's tasks, a line each, until it is interrupted. */

import { formatDuration } from '@holdfast/kernel';
import type { QueueEvent } from '@holdfast/queue';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { Interruption } from '../../interruption.js';
import { AFTER, CODEC, JSON_OUTPUT, PREFIX, REDIS, SERVED } from '../../options.js';
import type { ServedQueue } from '../../served/queue.js';
import { type Call, OF_EVERY_ACTION, onServedQueue, QUEUE_OPERAND } from './opened.js';

export const tail: Command = {
  ...OF_EVERY_ACTION,
  name: 'tail',
  summary: 'Follow what happens, a line each, until Ctrl-C.',
  operands: [QUEUE_OPERAND],
  about: 'Shows how attempts end, and progress, from now on or after a cursor.',
  options: [REDIS, PREFIX, CODEC, ...SERVED, AFTER, JSON_OUTPUT],
  example: 'holdfast queue tail images --redis redis://127.0.0.1:6379',
  run: onServedQueue(follow),
};

async function follow({ args, context, queue }: Call<ServedQueue>): Promise<number> {
  const after = args.text(AFTER);
  const interruption = new Interruption(context.signals);
  const from = { signal: interruption.signal, ...(after !== undefined && { after }) };
  try {
    for await (const event of queue.events(from)) {
      const line = args.has(JSON_OUTPUT)
        ? JSON.stringify(event)
        : `${event.kind.padEnd(9)}  ${event.id}  ${detailOf(event)}`;
      context.stdout.write(`${line.trimEnd()}\n`);
    }
  } finally {
    interruption.end();
  }
  return EXIT.ok;
}

function detailOf(event: QueueEvent): string {
  if (event.encoded !== undefined) return '(encoded)';
  switch (event.kind) {
    case 'completed':
      return JSON.stringify(event.result);
    case 'progress':
      return JSON.stringify(event.progress);
    case 'deferred':
      return formatDuration(event.delay);
    case 'opened':
      return formatDuration(event.pause);
    case 'closed':
    case 'removed':
    case 'added':
      return '';
    case 'begun':
    case 'stalled':
      return event.worker;
    default:
      return event.reason;
  }
}
