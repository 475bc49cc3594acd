/**
 * The command line from its words to its exit code: finds the command, gives it its arguments, reports its errors.
 *
 * Guarantees: never throws and never ends the process; every failure is a message on stderr and an exit code of the
 * table in exit-codes.ts. No message carries the credentials of an address.
 */
import { display, HoldfastError } from '@holdfast/kernel';
import { Arguments, masked } from './arguments.js';
import { type Command, type CommandGroup, wordsOf } from './command.js';
import type { Context } from './context.js';
import { codeOf, EXIT, exitCodeOf, UsageError } from './exit-codes.js';
import { describeCommand, describeGroup, describeProgram } from './help.js';
import { HELP, JSON_OUTPUT } from './options.js';
import { visible } from './table.js';
import { versionOf } from './version.js';

/**
 * Each is loaded when it is called: most of the time that a short call takes goes into loading packages, of which each
 * command needs a few.
 */
const LOADERS: ReadonlyMap<string, () => Promise<Command | CommandGroup>> = new Map<
  string,
  () => Promise<Command | CommandGroup>
>([
  ['up', async () => (await import('./commands/up.js')).up],
  ['run', async () => (await import('./commands/run.js')).run],
  ['inspect', async () => (await import('./commands/inspect.js')).inspect],
  ['init', async () => (await import('./commands/init.js')).init],
  ['nodes', async () => (await import('./commands/nodes.js')).nodes],
  ['doctor', async () => (await import('./commands/doctor.js')).doctor],
  ['serve', async () => (await import('./commands/serve/serve.js')).serve],
  ['mcp', async () => (await import('./commands/mcp.js')).mcp],
  ['keys', async () => (await import('./commands/keys/keys.js')).keys],
  ['queue', async () => (await import('./commands/queue/queue.js')).queue],
  ['workflow', async () => (await import('./commands/workflow/workflow.js')).workflow],
  ['features', async () => (await import('./commands/features/features.js')).features],
  ['vectors', async () => (await import('./commands/vectors/vectors.js')).vectors],
]);

/** All commands and groups, in the order of the help. */
export const loadCommands = (): Promise<(Command | CommandGroup)[]> =>
  Promise.all([...LOADERS.values()].map((load) => load()));

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
  const [name] = words;
  if (name === undefined) {
    context.stderr.write(describeProgram(await loadCommands()));
    return EXIT.usage;
  }
  if (name === '--version') {
    context.stdout.write(`${versionOf()}\n`);
    return EXIT.ok;
  }
  if (isHelp(name) || name === 'help') return help(words.slice(1), context);
  const found = await find(words);
  if (!('command' in found)) {
    if (isHelp(words[1])) return help(words, context);
    throw new UsageError(`an action is missing; the actions are ${listOf(found.group.actions)}.`, name);
  }
  const { command, group, depth } = found;
  const separated = command.takesProgram === true && end > 0;
  const options = [...command.options, ...command.shared];
  const args = new Arguments({
    command: wordsOf(command, group),
    options,
    words: separated ? words.slice(depth, end) : words.slice(depth),
    env: context.env,
  });
  if (args.has(HELP)) return help(words.slice(0, depth), context);
  args.require(command.operands, options);
  return command.run(args, context, separated ? words.slice(end + 1) : undefined);
}

async function help(words: readonly string[], { stdout }: Context): Promise<number> {
  if (words.length === 0) stdout.write(describeProgram(await loadCommands()));
  else {
    const found = await find(words);
    stdout.write(
      'command' in found ? describeCommand(found.command, found.group) : describeGroup(found.group),
    );
  }
  return EXIT.ok;
}

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h';

/** A command, how many words name it, and the group that it belongs to. */
interface Found {
  readonly command: Command;
  readonly group?: CommandGroup;
  readonly depth: number;
}

/** Finds the command that the first words name, or the group if they name no action. Throws UsageError. */
async function find([name = '', action]: readonly string[]): Promise<
  Found | { readonly group: CommandGroup }
> {
  const found = await LOADERS.get(name)?.();
  if (found === undefined) throw unknown(name, await loadCommands());
  if (!('actions' in found)) return { command: found, depth: 1 };
  if (action === undefined || isHelp(action)) return { group: found };
  const command = found.actions.find((known) => known.name === action);
  if (command === undefined) throw unknown(action, found.actions, found.name);
  return { command, group: found, depth: 2 };
}

const listOf = (known: readonly { readonly name: string }[]): string =>
  known.map(({ name }) => name).join(', ');

function unknown(word: string, known: readonly { readonly name: string }[], group?: string): UsageError {
  const noun = group === undefined ? 'command' : 'action';
  const kind = word.startsWith('-') ? 'option' : noun;
  const message = `unknown ${kind} ${display(masked(word))}; the ${noun}s are ${listOf(known)}.`;
  return new UsageError(message, group);
}

function report(error: unknown, { stderr }: Context, json: boolean): void {
  const text = error instanceof Error ? error.message : String(error);
  const message = error instanceof HoldfastError ? text : withoutCredentials(text);
  if (json) {
    stderr.write(`${JSON.stringify({ code: codeOf(error), message })}\n`);
    return;
  }
  stderr.write(`holdfast: ${message.split('\n').map(visible).join('\n')}\n`);
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
