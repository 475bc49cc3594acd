/**
 * The parts that the actions on one queue share: its name among their operands, the queue itself, and how they answer.
 *
 * Guarantees: the queue exists; otherwise an action ends with a UsageError before it does anything.
 */
import { createQueue, type Queue } from '@holdfast/queue';
import { type Arguments, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT } from '../../options.js';
import { placeOf } from '../place.js';

export const QUEUE_OPERAND = { name: 'queue', about: 'the name of the queue' };
export const ID_OPERAND = { name: 'id', about: 'the id of the task', optional: true };

export const OF_EVERY_ACTION = {
  shared: [],
  exitCodes: [
    ['0', 'done'],
    ['64', 'the command line is wrong, or there is no such queue or task'],
    ['69', 'Redis did not answer'],
  ],
} as const satisfies Partial<Command>;

/** An action on one queue. */
export interface Call {
  readonly args: Arguments;
  readonly context: Context;
  readonly queue: Queue;
  /** The id of a task, if one was named. */
  readonly id: string | undefined;
}

/** The `run` of an action on one queue: opens the queue, acts, and closes it. */
export const onQueue =
  (act: (call: Call) => Promise<number>): Command['run'] =>
  async (args, context) => {
    const [name = '', id] = args.operands;
    await using queue = createQueue({ ...placeOf(args), name });
    if (!(await queue.exists())) {
      throw args.wrong(`there is no queue "${masked(name)}"; "holdfast queue ls" shows those that there are`);
    }
    return await act({ args, context, queue, id });
  };

/** Reports what was done, in words or as JSON. */
export function answer({ args, context }: Call, json: object, words: string): number {
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(json) : words}\n`);
  return EXIT.ok;
}
