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
import { HELP, JSON_OUTPUT, SERVED, SERVER } from './options.js';
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
  ['witness', async () => (await import('./commands/witness/witness.js')).witness],
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
  try {
    return await dispatch(words, context);
  } catch (error) {
    const end = words.indexOf('--');
    const own = end < 0 ? words : words.slice(0, end);
    report(error, context, own.includes(`--${JSON_OUTPUT.name}`));
    return exitCodeOf(error);
  }
}

async function dispatch(all: readonly string[], context: Context): Promise<number> {
  const { words, before } = withoutServer(all);
  const end = words.indexOf('--');
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
  requireOperation(found, [...before, ...(end < 0 ? words : words.slice(0, end))], context);
  const separated = command.takesProgram === true && end > 0;
  const options = [...command.options, ...command.shared];
  const args = new Arguments({
    command: wordsOf(command, group),
    options,
    words: [...before, ...(separated ? words.slice(depth, end) : words.slice(depth))],
    env: context.env,
  });
  if (args.has(HELP)) return help(words.slice(0, depth), context);
  args.require(command.operands, options);
  return command.run(args, context, separated ? words.slice(end + 1) : undefined);
}

/** The options that may also stand before the command: "holdfast --server <url> queue ls". */
function withoutServer(all: readonly string[]): {
  readonly words: readonly string[];
  readonly before: readonly string[];
} {
  let at = 0;
  for (let word = all[at]; SERVED.some(({ name }) => isFlag(word, name)); word = all[at])
    at += word?.includes('=') ? 1 : 2;
  return { words: all.slice(at), before: all.slice(0, at) };
}

const isFlag = (word: string | undefined, name: string): boolean =>
  word === `--${name}` || word?.startsWith(`--${name}=`) === true;

/** What starts or serves something itself, or makes files: HOLDFAST_SERVER does not change what it means. */
const BESIDE_SERVERS: readonly string[] = ['up', 'serve', 'mcp', 'keys'];

/**
 * Throws UsageError for a command that has no operation of a server, where one is named: what was meant for a server is never
 * done to the Redis that another variable names.
 */
function requireOperation({ command, group }: Found, words: readonly string[], { env }: Context): void {
  if (command.options.some(({ name }) => name === SERVER.name)) return;
  const call = wordsOf(command, group);
  if (BESIDE_SERVERS.includes(group?.name ?? command.name)) {
    if (!words.some((word) => isFlag(word, SERVER.name))) return;
    throw new UsageError(`"${call}" does not work through a server; leave --${SERVER.name} out.`, call);
  }
  const addresses = command.options.filter(({ direct }) => direct === 'address');
  const how = addresses.map(({ name }) => `--${name}`).join(' and ') || 'the files on this machine';
  const isDirect = addresses.some(({ name }) => words.some((word) => isFlag(word, name)));
  const isByFlag = words.some((word) => isFlag(word, SERVER.name));
  if (!isByFlag && (isDirect || !env[SERVER.env ?? ''])) return;
  const named = isByFlag ? `--${SERVER.name}` : `${SERVER.env}, which is set`;
  throw new UsageError(
    `a server has no operation for "${call}": run it against Redis itself, with ${how}, and without ${named}.`,
    call,
  );
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
