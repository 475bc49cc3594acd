/** `holdfast queue announce`: chooses which moves of a queue's tasks are events. */
import type { Announced } from '@holdfast/queue';
import { masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import { JSON_OUTPUT, MOVES, PREFIX, REDIS } from '../../options.js';
import { answer, OF_EVERY_ACTION, onQueue, QUEUE_OPERAND } from './opened.js';

const KINDS: readonly Announced[] = ['added', 'begun'];

export const announce: Command = {
  ...OF_EVERY_ACTION,
  name: 'announce',
  summary: 'Choose which moves of tasks are events (--moves).',
  operands: [QUEUE_OPERAND],
  about: 'Each kind costs a stream entry for each task. The queue keeps the choice.',
  options: [REDIS, PREFIX, MOVES, JSON_OUTPUT],
  example: 'holdfast queue announce images --moves added,begun',
  run: onQueue(async (call) => {
    const text = call.args.text(MOVES) ?? 'none';
    const words = text === 'none' ? [] : text.split(',');
    const kinds = KINDS.filter((kind) => words.includes(kind));
    if (kinds.length < words.length)
      throw call.args.wrong(`--moves is added, begun, "added,begun" or none; got "${masked(text)}"`);
    await call.queue.announce(kinds);
    return answer(
      call,
      { announced: kinds },
      `"${call.queue.name}" announces ${kinds.join(', ') || 'no moves'}.`,
    );
  }),
};
