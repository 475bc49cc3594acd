/**
 * `holdfast nodes`: adds a node to a deployment that runs, or removes one, in two steps.
 *
 * Guarantees: at no moment are there two majorities without a common node, whatever is called in whatever order; a call
 * that would allow it is refused. A call that broke off may be repeated.
 */
import { parseAddress } from '@holdfast/redis';
import { type Arguments, masked } from '../arguments.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { openLocks } from '../deployment.js';
import { EXIT } from '../exit-codes.js';
import { DESCRIPTION, GONE, JSON_OUTPUT, NODE_OPTIONS } from '../options.js';

const ACTIONS = ['add', 'remove', 'commit'] as const;

export const nodes: Command = {
  name: 'nodes',
  summary: 'Add or remove a node while clients run.',
  synopsis: 'nodes add <url> | remove <url> | commit [options]',
  about: `One node at a time, in two steps, with clients running:

  1. "add" or "remove", with --nodes as the clients have them now. From then on
     clients are accepted with either list. A node that is removed votes for
     nobody any more: stop its server.
  2. Give every client the new list. An even number of nodes, in between, needs
     --allow-even (allowEven).
  3. "commit", with --nodes as the clients have them now: who still has the old
     number is refused from then on.

To replace a node, add the new one, then remove the old one; one that is dead is
removed first, with --gone. A new server at the old address needs none of this:
it is a node that has forgotten, and waits out its quarantine.`,
  options: [GONE, JSON_OUTPUT, ...NODE_OPTIONS],
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'the step is done'],
    ['64', 'the command line is wrong, or the step would not be safe; nothing was changed'],
    ['69', 'not every node answered; the same call may be repeated'],
  ],
  example: 'holdfast nodes add redis://d --nodes redis://a,redis://b,redis://c',

  async run(args, context) {
    const [action, url] = requireAction(args);
    await using locks = openLocks(args, context, { anyNumber: true });
    if (action === 'add') {
      const change = await locks.addNode(url);
      const next = `Clients are accepted with ${change.nodes - 1} and with ${change.nodes} nodes. Give every client the new one, too; then: holdfast nodes commit`;
      return say(args, context, { ...change, next });
    }
    if (action === 'remove') {
      const change = await locks.removeNode(parseAddress(url).display, { gone: args.has(GONE) });
      const next = `Clients are accepted with ${change.nodes + 1} and with ${change.nodes} nodes. Stop the server of the removed one. Give every client the list without it; then: holdfast nodes commit`;
      return say(args, context, { ...change, next });
    }
    const change = await locks.commitNodes();
    return say(args, context, { ...change, next: `Clients need these ${change.nodes} nodes.` });
  },
};

function requireAction(args: Arguments): readonly [(typeof ACTIONS)[number], url: string] {
  const [word = ''] = args.positionals;
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) throw args.wrong(`say add, remove or commit; got "${masked(word)}"`);
  if (action === 'commit') {
    args.requirePositionals('action');
    return [action, ''];
  }
  const [, url = ''] = args.requirePositionals('action', 'the address of the node');
  try {
    parseAddress(url);
  } catch {
    throw args.wrong('the node is an address such as redis://127.0.0.1:7001 (or rediss://, unix:/path)');
  }
  return [action, url];
}

function say(args: Arguments, { stdout }: Context, change: { readonly next: string }): number {
  stdout.write(`${args.has(JSON_OUTPUT) ? JSON.stringify(change) : change.next}\n`);
  return EXIT.ok;
}
