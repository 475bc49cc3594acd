/**
 * The parts that the actions on a feature store share: their operands, the store, a view of it, the lease, and how they answer.
 *
 * Guarantees: the store exists, and so does a view that is named; otherwise an action ends with a UsageError before it does
 * anything.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Features, View } from '@holdfast/features';
import { display, messageOf } from '@holdfast/kernel';
import { type Arguments, masked } from '../../arguments.js';
import type { Command } from '../../command.js';
import type { Context } from '../../context.js';
import { EXIT } from '../../exit-codes.js';
import { JSON_OUTPUT, PREFIX, SERVED } from '../../options.js';
import { type ServedStore, type ServedView, storeOf } from '../../served/features.js';
import { ifKnown, throughServer } from '../../served/server.js';
import { placeOf } from '../place.js';
import {
  type Held,
  LEASE_EXIT_CODES,
  LEASE_OPTIONS,
  OF_LEASES,
  underLease as underLeaseOf,
} from '../under-lease.js';
import { LEASE, PROGRAM, STORE, STORE_REDIS } from './options.js';

export const VIEW_OPERAND = { name: 'view', about: 'the name of the view' };
export const SERVICE_OPERAND = {
  name: 'service',
  about: 'the name of the service, with "@<version>" if need be',
};
export const GENERATION_OPERAND = { name: 'generation', about: 'the id of the generation' };

/** Where the store is. */
export const PLACE = [STORE_REDIS, PREFIX, STORE, PROGRAM];
/** The same, or behind a server. */
export const SERVED_PLACE = [...PLACE, ...SERVED];
/** The options by which whatever writes takes its lease. */
export const HOLDING = [LEASE, ...LEASE_OPTIONS];

const EXIT_CODES = [
  ['0', 'done'],
  ['64', 'the command line is wrong, or there is no such store, view or generation'],
  ['69', 'Redis, or the server, did not answer'],
] as const;

export const OF_EVERY_ACTION = { shared: [], exitCodes: EXIT_CODES } as const satisfies Partial<Command>;

/** Of an action that writes. */
export const OF_ACTS = {
  shared: OF_LEASES,
  exitCodes: [
    EXIT_CODES[0],
    ['1', 'not done, or not all of it: the output says what is lacking'],
    ...EXIT_CODES.slice(1),
    ...LEASE_EXIT_CODES,
  ],
} as const satisfies Partial<Command>;

/** An action on a store: in Redis, or with a store that a server has, too. */
export interface Call<Asked = Features> {
  readonly args: Arguments;
  readonly context: Context;
  readonly store: Asked;
}

/** The `run` of an action: opens the store, acts, and closes it. */
export const onStore =
  (act: (call: Call) => Promise<number>): Command['run'] =>
  async (args, context) => {
    const store = await openedBy(args);
    try {
      return await act({ args, context, store });
    } finally {
      await store.close();
    }
  };

/** The same, through a server if the settings name one. */
export const onServedStore =
  (act: (call: Call<ServedStore>) => Promise<number>): Command['run'] =>
  async (args, context) => {
    if (args.server === undefined) return onStore(act)(args, context, undefined);
    const name = nameOf(args);
    return throughServer(args, context, async (client) => {
      const store = await ifKnown(storeOf(client, name));
      if (store !== undefined) return act({ args, context, store });
      throw args.wrong(`the server has no feature store ${display(masked(name))}`);
    });
  };

function nameOf(args: Arguments): string {
  const name = args.text(STORE);
  if (name === undefined) throw args.wrong('--store is missing: give --store <name> or set HOLDFAST_STORE');
  return name;
}

/** The package, which a program brings that has a feature store. */
async function library(args: Arguments): Promise<typeof import('@holdfast/features')> {
  try {
    return await import('@holdfast/features');
  } catch (error) {
    throw args.wrong(`@holdfast/features is not installed beside holdfast: ${messageOf(error)}`);
  }
}

/** The store that the options name; the caller closes it. */
export async function openedBy(args: Arguments): Promise<Features> {
  const file = args.text(PROGRAM);
  if (file !== undefined) return storeIn(args, file);
  const name = nameOf(args);
  const { openFeatures } = await library(args);
  return openFeatures({ ...placeOf(args), name });
}

async function storeIn(args: Arguments, file: string): Promise<Features> {
  const path = resolve(file);
  const module = await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw args.wrong(`--app is a JavaScript module; ${display(path)} cannot be read: ${messageOf(error)}`);
  });
  const found = Object(module.default).features ?? module.default;
  if (typeof Object(found).stats === 'function') return found as Features;
  throw args.wrong(
    `--app is a module whose default export is a feature store, or has it as "features"; ${display(path)} has none`,
  );
}

interface CallOnViews<Known> extends Pick<Call, 'args'> {
  readonly store: { readonly views: readonly Known[] };
}

/** The view that the first operand names. Throws UsageError. */
export function viewOf<Known extends ServedView>({ args, store }: CallOnViews<Known>): Known {
  const [name = ''] = args.operands;
  const found = store.views.find((view) => view.name === name);
  if (found !== undefined) return found;
  const known = store.views.map((view) => view.name).join(', ') || 'none';
  throw args.wrong(`the store has no view ${display(masked(name))}; it has ${known}`);
}

interface CallOnServices<Known> extends Pick<Call, 'args'> {
  readonly store: { readonly served: readonly Known[] };
}

/** The service that the first operand names, its highest version unless one is named. Throws UsageError. */
export function serviceOf<Known extends ServedStore['served'][number]>({
  args,
  store,
}: CallOnServices<Known>): Known {
  const [name = ''] = args.operands;
  const found = [...store.served]
    .sort((one, other) => other.version - one.version)
    .find((each) => each.name === name || `${each.name}@${each.version}` === name);
  if (found !== undefined) return found;
  const known = store.served.map((each) => `${each.name}@${each.version}`).join(', ') || 'none';
  throw args.wrong(
    `no service ${display(masked(name))} is known; there is ${known}. One that derives features or takes a request needs --app`,
  );
}

/** Acts under the lease that the options name. */
export const underLease = (
  { args, context, store }: Call,
  view: View | undefined,
  act: (held: Held) => Promise<number>,
): Promise<number> => {
  const resource = args.text(LEASE) ?? ['features', store.name, ...(view ? [view.name] : [])].join(':');
  return underLeaseOf({ args, context }, resource, act);
};

/** Reports what was done, in words or as JSON. */
export function answer(
  { args, context }: Pick<Call, 'args' | 'context'>,
  json: unknown,
  words: string,
): number {
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(json) : words}\n`);
  return EXIT.ok;
}
