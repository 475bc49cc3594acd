/**
 * A model that a module of the user brings, which makes the vectors of documents.
 *
 * Guarantees: a module that is none ends a command with a UsageError before anything is begun.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { display, messageOf } from '@holdfast/kernel';
import type { Arguments } from '../../arguments.js';
import type { Option } from '../../options.js';
import type { Call } from './opened.js';

export type BeginOptions = Parameters<Call['index']['begin']>[0];

/** What a module says of its model; undefined if none is given. Throws UsageError. */
export async function modelIn(args: Arguments, option: Option): Promise<BeginOptions | undefined> {
  const file = args.text(option);
  if (file === undefined) return undefined;
  const path = resolve(file);
  const module = await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw args.wrong(
      `--${option.name} is a JavaScript module; ${display(path)} cannot be read: ${messageOf(error)}`,
    );
  });
  const found: unknown = module.default;
  if (typeof Object(found).vectors === 'object') return found as BeginOptions;
  throw args.wrong(
    `--${option.name} is a module whose default export is { vectors, embed }; that of ${display(path)} has no "vectors"`,
  );
}

/** A document lacks its vectors, and there is no model that makes them. */
export class Unmade extends Error {}

/** Stands for a model where there is none. */
export const unmade = async (): Promise<never> => {
  throw new Unmade('a document lacks its vectors');
};
