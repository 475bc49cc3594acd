/**
 * The options of `startNodes`, and their checks. Each check throws a MisuseError that names the value.
 */
import {
  display,
  duration,
  fitting,
  list,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  type Settings,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { isFree } from './ports.js';

export interface StartOptions {
  /** The folder for data, with a folder for each node in it. Default: a temporary one, removed at the end. */
  readonly folder?: string;
  /** The ports, one for each node, from 1 to 65535. Default: free ones. */
  readonly ports?: readonly number[];
  /**
   * Further arguments of the server, such as `['--appendonly', 'yes']`. Default: none. Unless an argument asks for it,
   * nothing is persisted. Address, port and folder stay as this package sets them.
   */
  readonly args?: readonly string[];
  /**
   * A configuration file for each server to start with, as a copy in its folder, for settings that arguments cannot
   * express: a sentinel (with the argument `--sentinel`) needs one, and writes to it. Default: none.
   */
  readonly config?: string;
  /** How long a server may take until it answers, in ms, at least 1. Default 10000. */
  readonly readyTimeout?: number;
}

const START = {
  folder: optional(text('a path')),
  ports: optional(list<number>('an array of numbers')),
  args: withDefault(readArguments, []),
  config: optional(fitting<string>('the text of a configuration file', (value) => typeof value === 'string')),
  readyTimeout: withDefault(duration({ min: 1 }), 10_000),
} satisfies Readers<StartOptions>;

/** The options, checked and with their defaults. */
export type Plan = Settings<typeof START>;

const numberOfNodes = whole(1, 100);

export async function requirePlan(count: number, options: StartOptions): Promise<Plan> {
  const plan = readOptions('startNodes', options, START);
  numberOfNodes('The number of nodes', count);
  if (plan.ports !== undefined) await requirePorts(plan.ports, count);
  return plan;
}

/** The first argument must be an option: redis-server takes anything else there for a value of ours. */
function readArguments(option: string, args: unknown): readonly string[] {
  const strings = Array.isArray(args) && args.every((arg) => typeof arg === 'string');
  if (strings && (args.length === 0 || args[0]?.startsWith('--'))) return args;
  const given = Array.isArray(args) ? JSON.stringify(args) : display(args);
  throw new MisuseError(
    `${option} are strings, the first one an option, such as ['--appendonly', 'yes']; got ${given}.`,
  );
}

const portNumber = whole(1, 65_535);

async function requirePorts(ports: readonly number[], count: number): Promise<void> {
  if (ports.length !== count) {
    throw new MisuseError(`Give one port a node: ${count} nodes, ${ports.length} ports.`);
  }
  for (const [index, port] of ports.entries()) {
    portNumber('A port', port);
    if (ports.indexOf(port) !== index) {
      throw new MisuseError(`Port ${port} is given twice; give each node its own.`);
    }
    if (!(await isFree(port))) {
      throw new MisuseError(`Port ${port} is in use; stop what listens there, or choose another.`);
    }
  }
}
