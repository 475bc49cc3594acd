/**
 * `holdfast init`: lets freshly created nodes vote at once, on the caller's word that no lease can exist.
 *
 * Guarantees: nodes that vote already are left as they are. Without that word (this command) new nodes wait out a
 * quarantine, because they cannot be told from nodes that have forgotten.
 */
import type { InitializedNode } from '@holdfast/lock';
import type { Command } from '../command.js';
import { openLocks } from '../deployment.js';
import { EXIT } from '../exit-codes.js';
import { DESCRIPTION, JSON_OUTPUT, NODE_OPTIONS, REPLACE } from '../options.js';
import { renderTable } from '../table.js';

export const init: Command = {
  name: 'init',
  summary: 'Let freshly created nodes vote at once.',
  operands: [],
  about: `Run it once, when you have just created the nodes of a deployment and know that
no lease can exist. Without it, new nodes wait out a quarantine, by default of
30s: they cannot be told from nodes that have forgotten their leases. Running it
again changes nothing. Each node has at least 20s to answer.

Never run it because a node has restarted: somebody may hold a lease that the
node has forgotten. Such a node votes again without it.`,
  options: [REPLACE, JSON_OUTPUT, ...NODE_OPTIONS],
  shared: DESCRIPTION,
  exitCodes: [
    ['0', 'a majority of the nodes may vote'],
    ['64', 'the command line is wrong, or the deployment exists with other parameters'],
    ['69', 'fewer than a majority of the nodes were reached'],
  ],
  example: 'holdfast init --nodes redis://a:6379,redis://b:6379,redis://c:6379',

  async run(args, context) {
    await using locks = openLocks(args, context);
    const nodes = await locks.initialize({ replace: args.has(REPLACE) });
    const json = (): string => JSON.stringify({ nodes });
    context.stdout.write(`${args.has(JSON_OUTPUT) ? json() : renderTable(nodes.map(row))}\n`);
    return EXIT.ok;
  },
};

const MEANING: Readonly<Record<InitializedNode['outcome'], string>> = {
  initialized: 'initialized: votes from now on',
  voting: 'voting already: nothing changed',
  misfit: 'misfit',
  unreachable: 'unreachable',
};

function row({ node, outcome, reason }: InitializedNode): readonly string[] {
  return [node, reason === undefined ? MEANING[outcome] : `${MEANING[outcome]}: ${reason}`];
}
