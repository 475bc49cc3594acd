/**
 * `holdfast nodes`: says when a node may be restarted; adds a node to a running deployment, or removes one, in two
 * steps.
 *
 * Guarantees: at no moment are there two majorities without a common node, whatever is called in whatever order; a call
 * that would allow it is refused. An interrupted call may be repeated.
 */
import type { Locks, NodeChange } from '@holdfast/lock';
import { sayRestart } from '@holdfast/lock/doctor';
import { parseAddress } from '@holdfast/redis';
import type { Arguments } from '../arguments.js';
import type { Command, CommandGroup } from '../command.js';
import type { Context } from '../context.js';
import { openLocks } from '../deployment.js';
import { EXIT } from '../exit-codes.js';
import { DESCRIPTION, GONE, JSON_OUTPUT, NODE_OPTIONS } from '../options.js';
import { renderTable } from '../table.js';

const OF_EVERY_STEP = {
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'the step is done'],
    ['64', 'the command line is wrong, or the step would not be safe; nothing was changed'],
    ['69', 'not every node answered; the same call may be repeated'],
  ],
} as const satisfies Partial<Command>;

/** The first vote of new nodes fixes the parameters, so this command does not ask them for one. */
const NEW =
  'Most of the nodes have not been asked for a vote since they started. If they are new, and no lease can exist: holdfast init. Otherwise the first call of any client, such as holdfast run, begins their quarantine.';

const status: Command = {
  name: 'status',
  summary: 'Say which nodes vote, and when one may be restarted.',
  operands: [],
  about: `To restart all nodes, restart one, and wait until this exits with 0 before the
next. A node that has restarted votes again only after a quarantine, which this
command begins if no client has asked the node for a vote yet. After it, the
node takes back the leases that it has forgotten: those that Holdfast renews at
once, those that your program extends with their next extension.`,
  options: [JSON_OUTPUT, ...NODE_OPTIONS],
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'a node may be restarted now'],
    ['64', 'the command line is wrong'],
    ['75', 'not yet, or no node can be spared'],
  ],
  example: 'until holdfast nodes status; do sleep 1; done',
  async run(args, context) {
    await using locks = openLocks(args, context, { anyNumber: true });
    const state = await locks.nodes();
    const rows = state.nodes.map(({ node, state: word, reason }) => [node, word, reason ?? '']);
    const isNew = state.nodes.some((node) => node.state === 'unadmitted');
    const next = isNew ? NEW : sayRestart(state.restartIn);
    const text = `${renderTable(rows)}\n\n${next}`;
    context.stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(state) : text}\n`);
    return state.restartIn === 0 ? EXIT.ok : EXIT.busy;
  },
};

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
  summary: 'Restart, add or remove nodes while clients run.',
  about: `"status" says when the next node may be restarted.

A node is added or removed in two steps, with clients running, one at a time:

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
  actions: [status, add, remove, commit],
};

interface Step {
  readonly make: (locks: Locks) => Promise<NodeChange>;
  /** The next step, given the number of nodes that there are now. */
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
