/**
 * The parts of a command: its help text, its operands and options, and the function that runs it.
 *
 * Guarantees: parsing, checking and help are made from this table alone, so that a command is given no option and no
 * operand that it does not know.
 */
import type { Arguments, Operand } from './arguments.js';
import type { Context } from './context.js';
import type { Option } from './options.js';

export interface Command {
  /** One word; an action's word follows that of its group. */
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly operands: readonly Operand[];
  /** The description of what the command does and promises, in lines of at most 80 characters. */
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

/** Actions on one kind of thing, such as "holdfast queue ls". */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly about: string;
  readonly actions: readonly Command[];
}

/** The words that call a command, without "holdfast". */
export const wordsOf = ({ name }: Command, group?: CommandGroup): string =>
  group === undefined ? name : `${group.name} ${name}`;
