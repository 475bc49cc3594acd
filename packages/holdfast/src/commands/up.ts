/**
 * `holdfast up`: a deployment on this machine, for as long as the command runs.
 *
 * Guarantees: when it says that the nodes are ready, a lease can be taken. When it ends, however it ends, no node is
 * left. Nodes that started empty are initialized, on the word of this command that they are new; nodes that were
 * restarted with their data (`--persist`) need no such word, because they have forgotten nothing.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pause } from '@holdfast/kernel';
import type { LocalNodes } from '@holdfast/local';
import { createLocks, type DeploymentOptions } from '@holdfast/lock';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { parametersOf, warn } from '../deployment.js';
import { EXIT } from '../exit-codes.js';
import { Interruption } from '../interruption.js';
import { FOLDER, JSON_OUTPUT, NODE_COUNT, PARAMETERS, PERSIST, PERSISTENCE, PORT } from '../options.js';

/** How long a node that has just started may take to answer, in ms: a machine that starts several is busy. */
const FIRST_ANSWER = 30_000;

/** How often the nodes are checked, in ms. */
const LOOK = 500;

/** The file that marks a folder as that of persistent nodes. */
const MARK = 'persistent';

export const up: Command = {
  name: 'up',
  summary: 'Start Redis nodes on this machine, and keep them until Ctrl-C.',
  operands: [],
  about: `Starts real Redis nodes on 127.0.0.1, lets them vote, and prints the line that
tells the other commands about them. For development and tests: nodes on one
machine fail together. Ctrl-C (or SIGTERM) stops them all.

Without --persist the nodes start empty each time, and are initialized at once:
stop the programs that hold leases of the last run before you start it again.`,
  options: [NODE_COUNT, PORT, FOLDER, PERSIST, JSON_OUTPUT],
  shared: PARAMETERS,
  exitCodes: [
    ['0', 'stopped by Ctrl-C or SIGTERM'],
    [
      '64',
      'the command line is wrong, a port is in use, the folder is that of other nodes, or no redis-server is installed',
    ],
    ['69', 'a node did not start'],
  ],
  example: 'holdfast up --nodes 3 --port 7001',

  async run(args, context) {
    const plan = planOf(args);
    prepare(args, plan);
    const interruption = new Interruption(context.signals);
    try {
      // Loaded here, because no other command starts nodes.
      const { startNodes } = await import('@holdfast/local');
      const nodes = await startNodes(plan.count, {
        folder: plan.folder,
        ...(plan.ports && { ports: plan.ports }),
        ...(plan.persist && { args: ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'] }),
      });
      try {
        if (plan.fresh) await initialize(args, context, { nodes: nodes.urls, ...plan.parameters });
        announce(args, context, { urls: nodes.urls, plan });
        await watch(nodes, args, context, interruption.signal);
      } finally {
        await nodes.stop();
      }
    } finally {
      interruption.end();
    }
    return EXIT.ok;
  },
};

interface Plan {
  readonly count: number;
  /** Undefined means free ports. */
  readonly ports: readonly number[] | undefined;
  readonly folder: string;
  readonly persist: boolean;
  /** Whether the nodes start empty, so that they may be initialized. */
  readonly fresh: boolean;
  readonly parameters: DeploymentOptions;
}

function planOf(args: Arguments): Plan {
  const count = args.count(NODE_COUNT, 1, 99) ?? 5;
  if (count % 2 === 0) {
    throw args.wrong(`--nodes is an odd number: ${count} tolerate no more failures than ${count - 1}`);
  }
  const port = args.count(PORT, 0, 65_536 - count) ?? 7_001;
  const folder = resolve(args.text(FOLDER) ?? '.holdfast/nodes');
  const persist = args.has(PERSIST);
  return {
    count,
    ports: port === 0 ? undefined : Array.from({ length: count }, (_, index) => port + index),
    folder,
    persist,
    fresh: !persist || !existsSync(join(folder, MARK)),
    parameters: { ...parametersOf(args), persistence: persist ? 'synchronous' : 'none' },
  };
}

/** Creates the folder; refuses one whose nodes know of leases that these nodes would not, or the other way round. */
function prepare(args: Arguments, { folder, persist }: Plan): void {
  const marked = existsSync(join(folder, MARK));
  if (marked && !persist) {
    throw args.wrong(
      `${folder} has nodes that were started with --persist; say so again, or give another --folder`,
    );
  }
  mkdirSync(folder, { recursive: true });
  if (!persist || marked) return;
  if (readdirSync(folder).length > 0) {
    throw args.wrong(`${folder} is not empty and has no persistent nodes; give --persist another --folder`);
  }
  writeFileSync(join(folder, MARK), 'The nodes in this folder were started by "holdfast up --persist".\n');
}

/** The nodes were created a moment ago, empty: no lease can exist on them. */
async function initialize(
  args: Arguments,
  context: Context,
  deployment: DeploymentOptions & { readonly nodes: readonly string[] },
): Promise<void> {
  await using locks = createLocks({
    ...deployment,
    callTimeout: FIRST_ANSWER,
    onWarning: (message) => warn(args, context, message),
  });
  await locks.initialize();
}

function announce(
  args: Arguments,
  { env, stdout, stderr }: Context,
  { urls, plan }: { readonly urls: readonly string[]; readonly plan: Plan },
): void {
  const environment: Record<string, string> = { HOLDFAST_NODES: urls.join(',') };
  for (const option of PARAMETERS) {
    const value = args.text(option);
    if (value !== undefined && option.env !== undefined) environment[option.env] = value;
  }
  const { persistence = 'none' } = plan.parameters;
  if (PERSISTENCE.env && (plan.persist || env[PERSISTENCE.env])) environment[PERSISTENCE.env] = persistence;
  if (args.has(JSON_OUTPUT)) {
    stdout.write(`${JSON.stringify({ nodes: urls, folder: plan.folder, environment })}\n`);
    return;
  }
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${quoted(value)}`);
  stdout.write(`${urls.join('\n')}\n\nexport ${settings.join(' ')}\n`);
  stderr.write(`\n${urls.length} nodes are ready, their files in ${plan.folder}. Ctrl-C stops them.\n`);
}

/** Quotes text so that a POSIX shell reads it back unchanged. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Reports a node that ends unexpectedly, until `signal` aborts. The nodes alone would not keep this process alive. */
async function watch(
  nodes: LocalNodes,
  args: Arguments,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const ended = new Set<string>();
  while (!signal.aborted) {
    await pause(context.clock, LOOK, signal);
    for (const { url, state, output } of nodes) {
      if (state !== 'stopped' || ended.has(url)) continue;
      ended.add(url);
      warn(args, context, `the node ${url} has ended.\n${output.trimEnd().split('\n').slice(-3).join('\n')}`);
    }
  }
}
