/** What a command is made of: what help says about it, which options it knows, and what it does. */
import type { Arguments } from './arguments.js';
import type { Context } from './context.js';
import type { Option } from './options.js';

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** The synopsis, without "holdfast". */
  readonly synopsis: string;
  /** What it does and promises, in lines of at most 80 characters. */
  readonly about: string;
  readonly options: readonly Option[];
  /** Options that describe the deployment: all its clients must be given the same. */
  readonly shared: readonly Option[];
  readonly exitCodes: readonly (readonly [code: string, meaning: string])[];
  readonly example: string;
  /** Whether words after "--" are a program of their own, which `run` gets as `program`. */
  readonly takesProgram?: boolean;
  /** Resolves to the exit code. */
  run(args: Arguments, context: Context, program: readonly string[] | undefined): Promise<number>;
}
