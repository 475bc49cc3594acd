/**
 * The codec that `--codec` names: a JavaScript module with it as its default export.
 *
 * Guarantees: a module that cannot be read, or has none, ends the command with a UsageError before it does anything.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Codec, CodecError, display, messageOf } from '@holdfast/kernel';
import type { Arguments } from '../arguments.js';
import { CODEC } from '../options.js';

/** Undefined without the option. */
export async function codecOf(args: Arguments): Promise<Codec | undefined> {
  const file = args.text(CODEC);
  if (file === undefined) return undefined;
  const path = resolve(file);
  const module = await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw args.wrong(`--codec is a JavaScript module; ${display(path)} cannot be read: ${messageOf(error)}`);
  });
  if (module.default !== undefined) return module.default;
  throw args.wrong(`--codec is a module whose default export is a codec; ${display(path)} has none`);
}

/** What `act` answers. Throws UsageError where it needs a codec and none was given. */
export async function orAskForCodec<T>(args: Arguments, owner: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof CodecError) || args.text(CODEC) !== undefined) throw error;
    throw args.wrong(`what the ${owner} keeps is encoded; give --codec, the module that has its codec`);
  }
}
