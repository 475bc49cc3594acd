/**
 * The program of a user that `holdfast serve --app` is given: its queues, feature stores and indexes, as it defines them.
 *
 * Guarantees: a module that cannot be read, or has something else in their places, is an error that names what is wrong.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { display, messageOf } from '@holdfast/kernel';
import type { Definitions } from '@holdfast/server';
import type { Arguments } from '../../arguments.js';
import { SERVED_PROGRAM } from './options.js';

interface Program {
  readonly definitions: Definitions;
  /** Closes what the program has opened. */
  readonly close: () => Promise<void>;
}

interface Handle {
  readonly name: string;
  close(): Promise<void>;
}

/** By which a handle of each kind is known. */
const KINDS = { queues: 'addMany', features: 'views', indexes: 'search' } as const;

/** Undefined without one. Throws UsageError. */
export async function programOf(args: Arguments): Promise<Program | undefined> {
  const file = args.text(SERVED_PROGRAM);
  if (file === undefined) return undefined;
  const path = resolve(file);
  const module = await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw args.wrong(`--app is a JavaScript module; ${display(path)} cannot be read: ${messageOf(error)}`);
  });
  const found = Object.entries(KINDS).map(([kind, member]) => {
    const handles = listOf(Object(module.default)[kind]);
    const wrong = handles.find((handle) => !(member in Object(handle)));
    if (wrong === undefined) return [kind, handles as Handle[]] as const;
    throw args.wrong(`"${kind}" of ${display(path)} has something else in it: ${display(wrong)}`);
  });
  const all = found.flatMap(([, handles]) => handles);
  if (all.length === 0) {
    throw args.wrong(
      `--app is a module whose default export has "queues", "features" or "indexes"; ${display(path)} has none`,
    );
  }
  return {
    definitions: Object.fromEntries(found) as unknown as Definitions,
    close: async () => void (await Promise.all(all.map((handle) => handle.close()))),
  };
}

/** One, a list, or an object of them. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  return typeof Object(value).close === 'function' ? [value] : Object.values(Object(value));
}
