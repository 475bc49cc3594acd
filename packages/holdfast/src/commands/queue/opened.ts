/**
 * The parts that the actions on one queue share: its name among their operands, the queue itself, and how they answer.
 *
 * Guarantees: the queue exists; otherwise an action ends with a UsageError before it does anything.
 */
import { createQueue, type Queue } from '@holdfast/queue';
import { type Arguments, given, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT } from '../../options.js';
import { queueOf, type ServedQueue } from '../../served/queue.js';
import { throughServer } from '../../served/server.js';
import { codecOf, orAskForCodec } from '../codec.js';
import { placeOf } from '../place.js';

export const QUEUE_OPERAND = { name: 'queue', about: 'the name of the queue' };
export const ID_OPERAND = { name: 'id', about: 'the id of the task', optional: true };

export const OF_EVERY_ACTION = {
  shared: [],
  exitCodes: [
    ['0', 'done'],
    ['64', 'the command line is wrong, or there is no such queue or task'],
    ['69', 'Redis, or the server, did not answer'],
  ],
} as const satisfies Partial<Command>;

/** An action on one queue: in Redis, or with a queue that a server has, too. */
export interface Call<Asked = Queue> {
  readonly args: Arguments;
  readonly context: Context;
  readonly queue: Asked;
  /** The id of a task, if one was named. */
  readonly id: string | undefined;
}

/** The `run` of an action on a queue in Redis: opens the queue, acts, and closes it. */
export const onQueue =
  (act: (call: Call) => Promise<number>): Command['run'] =>
  async (args, context) => {
    const [name = '', id] = args.operands;
    const codec = await codecOf(args);
    await using queue = createQueue({ ...placeOf(args), ...given({ codec }), name });
    await requireQueue(args, queue);
    return await orAskForCodec(args, 'queue', () => act({ args, context, queue, id }));
  };

/** The same, through a server if the settings name one. */
export const onServedQueue =
  (act: (call: Call<ServedQueue>) => Promise<number>): Command['run'] =>
  async (args, context) => {
    if (args.server === undefined) return onQueue(act)(args, context, undefined);
    const [name = '', id] = args.operands;
    return throughServer(args, context, async (client) => {
      const queue = queueOf(client, name);
      await requireQueue(args, queue);
      return act({ args, context, queue, id });
    });
  };

async function requireQueue(args: Arguments, queue: Pick<Queue, 'exists' | 'name'>): Promise<void> {
  if (await queue.exists()) return;
  throw args.wrong(
    `there is no queue "${masked(queue.name)}"; "holdfast queue ls" shows those that there are`,
  );
}

/** Reports what was done, in words or as JSON. */
export function answer(
  { args, context }: Pick<Call, 'args' | 'context'>,
  json: object,
  words: string,
): number {
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(json) : words}\n`);
  return EXIT.ok;
}
