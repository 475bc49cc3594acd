/**
 * `holdfast nodes`: adds a node to a deployment that runs, or removes one, in two steps.
 *
 * Guarantees: at no moment are there two majorities without a common node, whatever is called in whatever order; a call
 * that would allow it is refused. A call that broke off may be repeated.
 */
import type { Locks, NodeChange } from '@holdfast/lock';
import { parseAddress } from '@holdfast/redis';
import type { Arguments } from '../arguments.js';
import type { Command, CommandGroup } from '../command.js';
import type { Context } from '../context.js';
import { openLocks } from '../deployment.js';
import { EXIT } from '../exit-codes.js';
import { DESCRIPTION, GONE, JSON_OUTPUT, NODE_OPTIONS } from '../options.js';

const OF_EVERY_STEP = {
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'the step is done'],
    ['64', 'the command line is wrong, or the step would not be safe; nothing was changed'],
    ['69', 'not every node answered; the same call may be repeated'],
  ],
} as const satisfies Partial<Command>;

const URL_OPERAND = { name: 'url', about: 'the address of the node' };

const add: Command = {
  ...OF_EVERY_STEP,
  name: 'add',
  summary: 'Accept a node beside the others.',
  operands: [URL_OPERAND],
  about: 'From then on, clients are accepted with and without the new node.',
  options: [JSON_OUTPUT, ...NODE_OPTIONS],
  example: 'holdfast nodes add redis://d --nodes redis://a,redis://b,redis://c',
  run: (args, context) => {
    const url = addressOf(args);
    return change(args, context, {
      make: (locks) => locks.addNode(url),
      next: (nodes) =>
        `Clients are accepted with ${nodes - 1} and with ${nodes} nodes. Give every client the new one, too; then: holdfast nodes commit`,
    });
  },
};

const remove: Command = {
  ...OF_EVERY_STEP,
  name: 'remove',
  summary: 'Retire a node: it votes for nobody any more.',
  operands: [URL_OPERAND],
  about: 'From then on, clients are accepted with and without the removed node.',
  options: [GONE, JSON_OUTPUT, ...NODE_OPTIONS],
  example: 'holdfast nodes remove redis://c --nodes redis://a,redis://b,redis://c',
  run: (args, context) => {
    const { display } = parseAddress(addressOf(args));
    return change(args, context, {
      make: (locks) => locks.removeNode(display, { gone: args.has(GONE) }),
      next: (nodes) =>
        `Clients are accepted with ${nodes + 1} and with ${nodes} nodes. Stop the server of the removed one. Give every client the list without it; then: holdfast nodes commit`,
    });
  },
};

const commit: Command = {
  ...OF_EVERY_STEP,
  name: 'commit',
  summary: 'End a change: clients need the new list from then on.',
  operands: [],
  about: 'Clients that still have the old number of nodes are refused from then on.',
  options: [JSON_OUTPUT, ...NODE_OPTIONS],
  example: 'holdfast nodes commit --nodes redis://a,redis://b,redis://c,redis://d',
  run: (args, context) =>
    change(args, context, {
      make: (locks) => locks.commitNodes(),
      next: (nodes) => `Clients need these ${nodes} nodes.`,
    }),
};

export const nodes: CommandGroup = {
  name: 'nodes',
  summary: 'Add or remove a node while clients run.',
  about: `One node at a time, in two steps, with clients running:

  1. "add" or "remove", with --nodes as the clients have them now. From then on
     clients are accepted with either list. A node that is removed votes for
     nobody any more: stop its server.
  2. Give every client the new list. An even number of nodes, in between, needs
     --allow-even (allowEven).
  3. "commit", with --nodes as the clients have them now: clients that still
     have the old number are refused from then on.

To replace a node, add the new one, then remove the old one; one that is dead is
removed first, with --gone. A new server at the old address needs none of this:
it is a node that has forgotten, and waits out its quarantine.`,
  actions: [add, remove, commit],
};

interface Step {
  readonly make: (locks: Locks) => Promise<NodeChange>;
  /** What is to be done next, by the number of nodes that there are now. */
  readonly next: (nodes: number) => string;
}

async function change(args: Arguments, context: Context, { make, next }: Step): Promise<number> {
  await using locks = openLocks(args, context, { anyNumber: true });
  const made = await make(locks);
  const words = next(made.nodes);
  context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify({ ...made, next: words }) : words}\n`);
  return EXIT.ok;
}

function addressOf(args: Arguments): string {
  const [url = ''] = args.operands;
  try {
    parseAddress(url);
  } catch {
    throw args.wrong('the node is an address such as redis://127.0.0.1:7001 (or rediss://, unix:/path)');
  }
  return url;
}
