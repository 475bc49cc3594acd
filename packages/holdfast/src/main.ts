/**
 * The command line from its words to its exit code: finds the command, gives it its arguments, reports what it throws.
 *
 * Guarantees: never throws and never ends the process; every failure is a message on stderr and an exit code of the
 * table in exit-codes.ts. No message carries the credentials of an address.
 */
import { readFileSync } from 'node:fs';
import { display, HoldfastError } from '@holdfast/kernel';
import { Arguments, masked } from './arguments.js';
import type { Command } from './command.js';
import { doctor } from './commands/doctor.js';
import { init } from './commands/init.js';
import { inspect } from './commands/inspect.js';
import { nodes } from './commands/nodes.js';
import { queue } from './commands/queue.js';
import { run } from './commands/run.js';
import { up } from './commands/up.js';
import type { Context } from './context.js';
import { codeOf, EXIT, exitCodeOf, UsageError } from './exit-codes.js';
import { describeCommand, describeProgram } from './help.js';
import { HELP, JSON_OUTPUT } from './options.js';

const COMMANDS: readonly Command[] = [up, run, inspect, init, nodes, doctor, queue];

/** Runs `holdfast` with `words`, those after its name. Resolves to the exit code. */
export async function main(words: readonly string[], context: Context): Promise<number> {
  const end = words.indexOf('--');
  try {
    return await dispatch(words, end, context);
  } catch (error) {
    const own = end < 0 ? words : words.slice(0, end);
    report(error, context, own.includes(`--${JSON_OUTPUT.name}`));
    return exitCodeOf(error);
  }
}

async function dispatch(words: readonly string[], end: number, context: Context): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined) {
    context.stderr.write(describeProgram(COMMANDS));
    return EXIT.usage;
  }
  if (name === '--help' || name === '-h' || name === 'help') return help(rest, context);
  if (name === '--version') {
    context.stdout.write(`${version()}\n`);
    return EXIT.ok;
  }
  const command = find(name);
  const separated = command.takesProgram === true && end > 0;
  const args = new Arguments({
    command: command.name,
    options: [...command.options, ...command.shared],
    words: separated ? words.slice(1, end) : rest,
    env: context.env,
  });
  if (args.has(HELP)) return help([command.name], context);
  return command.run(args, context, separated ? words.slice(end + 1) : undefined);
}

function help([name]: readonly string[], { stdout }: Context): number {
  stdout.write(name === undefined ? describeProgram(COMMANDS) : describeCommand(find(name)));
  return EXIT.ok;
}

function find(name: string): Command {
  const command = COMMANDS.find((known) => known.name === name);
  if (command) return command;
  const kind = name.startsWith('-') ? 'option' : 'command';
  const known = COMMANDS.map((each) => each.name).join(', ');
  throw new UsageError(`unknown ${kind} ${display(masked(name))}; the commands are ${known}.`);
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function report(error: unknown, { stderr }: Context, json: boolean): void {
  const text = error instanceof Error ? error.message : String(error);
  const message = error instanceof HoldfastError ? text : withoutCredentials(text);
  if (json) {
    stderr.write(`${JSON.stringify({ code: codeOf(error), message })}\n`);
    return;
  }
  stderr.write(`holdfast: ${message}\n`);
  if (error instanceof UsageError) {
    stderr.write(`Try "holdfast ${error.command ? `${error.command} ` : ''}--help".\n`);
  } else if (exitCodeOf(error) === EXIT.internal && error instanceof Error) {
    stderr.write(
      `This is a defect of Holdfast; please report it.\n${withoutCredentials(error.stack ?? '')}\n`,
    );
  }
}

/** No error of Holdfast shows credentials; this is for the others. */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/\s"]*@/g, '//***@');
}
