/**
 * The parts that the actions on workflows share: their operands, the app, a run of it, and how they answer.
 *
 * Guarantees: the app exists, and so does a workflow that is named; otherwise an action ends with a UsageError before it does
 * anything.
 */
import { display } from '@holdfast/kernel';
import { type OpenedWorkflows, openWorkflows } from '@holdfast/workflow';
import { type Arguments, given, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { EXIT } from '../../exit-codes.js';
import { CODEC, JSON_OUTPUT, PREFIX, REDIS, SERVED } from '../../options.js';
import type { ServedRun } from '../../served/run.js';
import { throughServer } from '../../served/server.js';
import { appOf, type ServedApp } from '../../served/workflows.js';
import { codecOf, orAskForCodec } from '../codec.js';
import { placeOf } from '../place.js';
import { APP, KEY } from './options.js';

export const WORKFLOW_OPERAND = { name: 'workflow', about: 'the name of the workflow' };
export const ID_OPERAND = { name: 'id', about: 'the id of the run' };

/** Where the app is. */
export const DIRECT_PLACE = [REDIS, PREFIX, APP, CODEC];
/** The same, or behind a server. */
export const PLACE = [...DIRECT_PLACE, ...SERVED];

const EXIT_CODES = [
  ['0', 'done'],
  ['64', 'the command line is wrong, or there is no such app, workflow or run'],
  ['69', 'Redis, or the server, did not answer'],
] as const;

export const OF_EVERY_ACTION = { shared: [], exitCodes: EXIT_CODES } as const satisfies Partial<Command>;

/** Of an action that acts on runs. */
export const OF_ACTS = {
  ...OF_EVERY_ACTION,
  exitCodes: [
    EXIT_CODES[0],
    ['1', 'nothing was done: the run is over, or is not where that can be done'],
    ...EXIT_CODES.slice(1),
  ],
} as const satisfies Partial<Command>;

/** An action on an app. */
export interface Call {
  readonly args: Arguments;
  readonly context: Context;
  readonly app: ServedApp;
}

/** The `run` of an action: opens the app, acts, and closes it. */
export const onApp =
  (act: (call: Call) => Promise<number>): Command['run'] =>
  async (args, context) => {
    if (args.server !== undefined) {
      return throughServer(args, context, async (client) => act({ args, context, app: await appOf(client) }));
    }
    await using app = await openedBy(args);
    return await orAskForCodec(args, 'app', () => act({ args, context, app }));
  };

/** The app that the options name; the caller closes it. */
export async function openedBy(args: Arguments): Promise<OpenedWorkflows> {
  const codec = await codecOf(args);
  return openWorkflows({ ...placeOf(args), ...given({ name: args.text(APP), codec }) });
}

/** The workflow that an operand names, the first unless another is meant; undefined if there is none. */
export function workflowOf({ args, app }: Call, operand = 0): string | undefined {
  const name = args.operands[operand];
  if (name === undefined || app.names.includes(name)) return name;
  const known = app.names.length === 0 ? 'none yet' : app.names.join(', ');
  throw args.wrong(
    `the app has no workflow ${display(masked(name))}, with a worker, a run or limits; it has ${known}`,
  );
}

/** The run that the first operands name; throws UsageError. */
export function runOf(call: Call): ServedRun {
  const [, id = ''] = call.args.operands;
  return call.app.get(workflowOf(call) ?? '', id, given({ key: call.args.text(KEY) }));
}

/** Reports what was done, in words or as JSON. */
export function answer({ args, context }: Call, json: unknown, words: string): number {
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(json) : words}\n`);
  return EXIT.ok;
}

/** The same, with another exit code where it was not done. `json` has one field, which says whether it was. */
export function isDone(call: Call, json: Readonly<Record<string, boolean>>, words: string): number {
  answer(call, json, words);
  return Object.values(json).every(Boolean) ? EXIT.ok : EXIT.undone;
}
