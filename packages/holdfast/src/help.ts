/**
 * The help texts, made from the table of options and from the descriptions of the commands.
 *
 * Guarantees: every option that a command knows is in its help, with its default and its environment variable; lines
 * are at most 80 characters wide.
 */
import { type Command, type CommandGroup, wordsOf } from './command.js';
import { EXIT } from './exit-codes.js';
import { HELP, type Option } from './options.js';

const WIDTH = 80;
const INDENT = 28;

/** The help of the top level. */
export function describeProgram(commands: readonly (Command | CommandGroup)[]): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(9)}${summary}`);
  return `Holdfast: leases with fencing tokens, over a quorum of independent Redis nodes.

Usage: holdfast <command> [options]

Commands:
${lines.join('\n')}

"holdfast <command> --help" says more; "holdfast --version" says which this is.

Try it on this machine, in two terminals:
  holdfast up
  export HOLDFAST_NODES=…    (the line that "up" has printed)
  holdfast run --lock demo -- sh -c 'echo my token is $HOLDFAST_TOKEN'

Settings come from flags, then from the environment (HOLDFAST_NODES, …).

Through a server, with its key in HOLDFAST_KEY or --key-file:
  holdfast --server https://holdfast.internal:7400 queue ls
`;
}

/** The help of a group: its actions. */
export function describeGroup(group: CommandGroup): string {
  const calls = group.actions.map((action) => [callOf(action), action.summary] as const);
  const width = Math.max(...calls.map(([call]) => call.length)) + 4;
  const lines = calls.map(([call, summary]) => hang(`  ${call}`, summary, width));
  const sections = [
    group.summary,
    `Usage: holdfast ${group.name} <action> [options]`,
    group.about,
    `Actions:\n${lines.join('\n')}`,
    `"holdfast ${group.name} <action> --help" lists the options of each.`,
  ];
  return `${sections.filter(Boolean).join('\n\n')}\n`;
}

/** The help of one command. */
export function describeCommand(command: Command, group?: CommandGroup): string {
  const required = command.options
    .filter((option) => option.required && option.env === undefined)
    .map(({ name, value }) => `--${name} ${value}`);
  const program = command.takesProgram ? ['--', '<command>', '[argument…]'] : [];
  const synopsis = [wordsOf(command, group), ...namesOf(command), ...required, '[options]', ...program];
  const sections = [
    command.summary,
    `Usage: holdfast ${synopsis.join(' ')}`,
    command.about,
    `Options:\n${[...command.options, HELP].map(describeOption).join('\n')}`,
  ];
  if (command.shared.length > 0) {
    const title = 'The deployment, which all its clients must describe alike:';
    sections.push(`${title}\n${command.shared.map(describeOption).join('\n')}`);
  }
  const known = [...command.exitCodes, [String(EXIT.output), 'the output cannot be written'] as const];
  known.sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  const codes = known.map(([code, meaning]) => hang(`  ${code.padEnd(7)}`, meaning, 9));
  sections.push(`Exit codes:\n${codes.join('\n')}`, `Example:\n  ${command.example}`);
  return `${sections.join('\n\n')}\n`;
}

const namesOf = ({ operands }: Command): string[] =>
  operands.map(({ name, optional }) => (optional ? `[<${name}>]` : `<${name}>`));

const callOf = (action: Command): string => [action.name, ...namesOf(action)].join(' ');

function describeOption({ name, value, env, default: initial, about }: Option): string {
  const flag = `  --${name}${value === undefined ? '' : ` ${value}`}`;
  const details = [initial && `default ${initial}`, env && `environment ${env}`].filter(Boolean);
  return hang(flag, details.length === 0 ? about : `${about} (${details.join('; ')})`, INDENT);
}

/** `text` to the right of `label`, wrapped. */
export function hang(label: string, text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  lines.push(line);
  const [first = '', ...rest] = lines;
  const opening =
    label.length <= indent ? [label.padEnd(indent) + first] : [label, ' '.repeat(indent) + first];
  return [...opening, ...rest.map((more) => ' '.repeat(indent) + more)].join('\n');
}
