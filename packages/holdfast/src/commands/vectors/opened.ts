/**
 * The parts that the actions on an index of vectors share: its name among their operands, the index, and how they answer.
 *
 * Guarantees: the index exists; otherwise an action ends with a UsageError before it does anything.
 */

import type { Client } from '@holdfast/client';
import { display, messageOf } from '@holdfast/kernel';
import type { IndexInfo, VectorIndex } from '@holdfast/vectors';
import { type Arguments, given, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { EXIT, type UsageError } from '../../exit-codes.js';
import { JSON_OUTPUT, PREFIX, SERVED } from '../../options.js';
import { ifKnown, throughServer } from '../../served/server.js';
import { placeOf } from '../place.js';
import { FIELDS, FILTER, INDEX_REDIS, SCHEMA } from './options.js';

type Library = typeof import('@holdfast/vectors');
type Filter = import('@holdfast/vectors').Filter;
type Schema = import('@holdfast/vectors').Schema;

export const INDEX_OPERAND = { name: 'index', about: 'the name of the index' };

/** Where the index is. */
export const PLACE = [INDEX_REDIS, PREFIX];
/** The same, or behind a server. */
export const SERVED_PLACE = [...PLACE, ...SERVED];

export const OF_EVERY_ACTION = {
  shared: [],
  exitCodes: [
    ['0', 'done'],
    ['64', 'the command line is wrong, or there is no such index'],
    ['69', 'Redis, or the server, did not answer'],
  ],
} as const satisfies Partial<Command>;

/** An action on one index. */
export interface Call {
  readonly args: Arguments;
  readonly context: Context;
  readonly library: Library;
  readonly index: VectorIndex;
  readonly info: IndexInfo;
}

/** The package, which a program brings that has an index. */
export async function libraryOf(args: Arguments): Promise<Library> {
  try {
    return await import('@holdfast/vectors');
  } catch (error) {
    throw args.wrong(`@holdfast/vectors is not installed beside holdfast: ${messageOf(error)}`);
  }
}

/** What of its documents is searched, besides vectors. Default: nothing. */
interface Searched {
  readonly texts?: boolean;
  readonly terms?: boolean;
}

/** The `run` of an action on one index: opens it, acts, and closes it. `searched`: whether its texts are, and weights of terms. */
export const onIndex =
  (act: (call: Call) => Promise<number>, searched = (_: Arguments): Searched => ({})): Command['run'] =>
  async (args, context) => {
    const library = await libraryOf(args);
    const [name = ''] = args.operands;
    const place = placeOf(args);
    const info = await library.findIndex({ ...place, name });
    if (info === undefined) throw unknownIndex(args, name);
    const { texts = false, terms = false } = searched(args);
    const { clock } = context;
    const index = await library.openIndex({
      ...place,
      name,
      clock,
      ...given({ schema: schemaOf(args) }),
      ...(texts && { keywords: given({ fields: fieldsOf(args) }) }),
      ...(terms && { terms: {} }),
    });
    try {
      return await act({ args, context, library, index, info });
    } finally {
      await index.close();
    }
  };

/** An action on an index that a server has. */
export interface ServedCall extends Pick<Call, 'args' | 'context' | 'info'> {
  readonly indexes: Client['vectors'];
  /** Of the index. */
  readonly name: string;
}

/** The `run` of an action on an index: through a server if the settings name one, otherwise `direct`. */
export const onServedIndex =
  (act: (call: ServedCall) => Promise<number>, direct: Command['run']): Command['run'] =>
  async (args, context, program) => {
    if (args.server === undefined) return direct(args, context, program);
    const [name = ''] = args.operands;
    return throughServer(args, context, async ({ vectors }) => {
      const info = await ifKnown(vectors.describe(name));
      if (info === undefined) throw unknownIndex(args, name);
      return act({ args, context, indexes: vectors, name, info: infoOf(info) });
    });
  };

/** An index as the server describes it. */
export const infoOf = (info: Readonly<Record<string, unknown>>): IndexInfo =>
  ({ ...info, written: new Date(Number(info['written'])) }) as unknown as IndexInfo;

const unknownIndex = (args: Arguments, name: string): UsageError =>
  args.wrong(`there is no index ${display(masked(name))}; "holdfast vectors ls" shows those that there are`);

/** Reports what was done, in words or as JSON. */
export function answer(
  { args, context }: Pick<Call, 'args' | 'context'>,
  json: unknown,
  words: string,
): number {
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(json) : words}\n`);
  return EXIT.ok;
}

export function filterOf(args: Arguments): Filter | undefined {
  const filter = args.json(FILTER);
  if (filter !== undefined && args.server === undefined && args.text(SCHEMA) === undefined)
    throw args.wrong('--filter needs --schema, which says what its attributes are');
  return filter as Filter | undefined;
}

/** What kinds of attributes there are, which is not known before the package is loaded. */
const KINDS: readonly string[] = ['tag', 'number', 'geo'] satisfies Schema[string][];

function schemaOf(args: Arguments): Schema | undefined {
  const text = args.text(SCHEMA);
  if (text === undefined) return undefined;
  const pairs = text.split(',').map((part) => part.trim().split('='));
  const wrong = pairs.find(([name, kind = '']) => !name || !KINDS.includes(kind));
  if (wrong) throw args.wrong(`--schema is a list as kind=tag,price=number,office=geo; got ${display(text)}`);
  return Object.fromEntries(pairs) as Schema;
}

/** Each field counts the same. */
function fieldsOf(args: Arguments): Readonly<Record<string, number>> | undefined {
  const names = args
    .text(FIELDS)
    ?.split(',')
    .map((name) => name.trim());
  return names && Object.fromEntries(names.map((name) => [name, 1]));
}

/** What stands in front of numbers, as the number of a kind of thing. */
export const shapesIn = ({ vectors }: IndexInfo): string =>
  Object.entries(vectors)
    .map(([name, { dimensions, metric }]) => `${name ? `${name}: ` : ''}${dimensions} ${metric}`)
    .join(', ');
