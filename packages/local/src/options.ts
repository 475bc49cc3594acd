/**
 * The options of `startNodes`, and their checks. Each check throws a MisuseError that names the value.
 */
import { display, MisuseError, requireDuration, requireKnown } from '@holdfast/kernel';
import { isFree } from './ports.js';

export interface StartOptions {
  /** The folder for data, with one folder a node in it. Default: a temporary one, removed at the end. */
  readonly folder?: string;
  /** The ports, one a node, from 1 to 65535. Default: free ones. */
  readonly ports?: readonly number[];
  /**
   * Further arguments of the server, such as `['--appendonly', 'yes']`. Default: none. Without one that asks for it,
   * nothing is persisted. Address, port and folder stay as this package sets them.
   */
  readonly args?: readonly string[];
  /**
   * A configuration file that each server starts with, in a copy of its own in its folder, for what arguments cannot
   * say: a sentinel (with the argument `--sentinel`) needs one, and writes to it. Default: none.
   */
  readonly config?: string;
  /** How long a server may take until it answers, in ms, at least 1. Default 10000. */
  readonly readyTimeout?: number;
}

/** Checked options, defaults filled in. */
export interface Plan {
  /** Absent: a temporary folder. */
  readonly folder: string | undefined;
  /** Absent: free ones. */
  readonly ports: readonly number[] | undefined;
  readonly args: readonly string[];
  readonly config: string | undefined;
  readonly readyTimeout: number;
}

/** The most nodes that one call starts. */
const MOST_NODES = 100;

export async function requirePlan(count: number, options: StartOptions): Promise<Plan> {
  requireKnown('startNodes', options, ['folder', 'ports', 'args', 'config', 'readyTimeout']);
  if (!Number.isInteger(count) || count < 1 || count > MOST_NODES) {
    throw new MisuseError(
      `The number of nodes is a whole number from 1 to ${MOST_NODES}; got ${display(count)}.`,
    );
  }
  const { folder, ports, args = [], config } = options;
  if (folder !== undefined && (typeof folder !== 'string' || folder === '')) {
    throw new MisuseError(
      `folder is a path; got ${display(folder)}. Leave the option out for a temporary one.`,
    );
  }
  requireArguments(args);
  if (config !== undefined && typeof config !== 'string') {
    throw new MisuseError(`config is the text of a configuration file; got ${display(config)}.`);
  }
  const readyTimeout = requireDuration('readyTimeout', options.readyTimeout ?? 10_000, { min: 1 });
  if (ports !== undefined) await requirePorts(ports, count);
  return { folder, ports, args, config, readyTimeout };
}

/** The first argument must be an option: redis-server takes anything else there for a value of ours. */
function requireArguments(args: readonly string[]): void {
  const strings = Array.isArray(args) && args.every((arg) => typeof arg === 'string');
  if (strings && (args.length === 0 || args[0]?.startsWith('--'))) return;
  const given = Array.isArray(args) ? JSON.stringify(args) : display(args);
  throw new MisuseError(
    `args are strings, the first one an option, such as ['--appendonly', 'yes']; got ${given}.`,
  );
}

async function requirePorts(ports: readonly number[], count: number): Promise<void> {
  if (!Array.isArray(ports)) throw new MisuseError(`ports is an array of numbers; got ${display(ports)}.`);
  if (ports.length !== count) {
    throw new MisuseError(`Give one port a node: ${count} nodes, ${ports.length} ports.`);
  }
  for (const [index, port] of ports.entries()) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new MisuseError(`A port is a whole number from 1 to 65535; got ${display(port)}.`);
    }
    if (ports.indexOf(port) !== index) {
      throw new MisuseError(`Port ${port} is given twice; give each node its own.`);
    }
    if (!(await isFree(port))) {
      throw new MisuseError(`Port ${port} is in use; stop what listens there, or choose another.`);
    }
  }
}
