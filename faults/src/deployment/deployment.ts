/**
 * Real servers for some episodes, with a link of its own from every client to every one of them.
 */

import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { Link } from '../proxy/link.js';
import { PARAMETERS, type Parameters } from '../traffic/assignment.js';

/** What the nodes keep over a restart: nothing, most, or everything that they acknowledged. */
export type Persistence = 'none' | 'everysec' | 'synchronous';

const ARGUMENTS: Record<Persistence, readonly string[]> = {
  none: [],
  everysec: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
  synchronous: ['--appendonly', 'yes', '--appendfsync', 'always'],
};

export interface Deployed {
  readonly nodes: readonly LocalNode[];
  readonly ledger: LocalNode;
  readonly parameters: Parameters;
  readonly links: readonly (readonly Link[])[];
  readonly ledgerLinks: readonly Link[];
  /** The addresses by which a client reaches the nodes. */
  addresses(client: number): readonly string[];
  stop(): Promise<void>;
}

export interface QuorumOptions {
  readonly nodes: number;
  readonly clients: number;
  readonly persistence: Persistence;
}

export async function deployQuorum({ nodes: count, clients, persistence }: QuorumOptions): Promise<Deployed> {
  const debug = ['--enable-debug-command', 'yes'];
  const nodes = await startNodes(count, { args: [...debug, ...ARGUMENTS[persistence]] });
  const ledger = await startLedger();
  const parameters: Parameters = {
    ...PARAMETERS,
    persistence: persistence === 'synchronous' ? 'synchronous' : 'none',
  };
  await initialize(nodes.urls, parameters);
  const links = await Promise.all(Array.from({ length: clients }, () => openLinks(nodes.nodes)));
  const ledgerLinks = await Promise.all(links.map(() => Link.open((ledger.nodes[0] as LocalNode).port)));
  return {
    nodes: nodes.nodes,
    ledger: ledger.nodes[0] as LocalNode,
    parameters,
    links,
    ledgerLinks,
    addresses: (client) => (links[client] ?? []).map(({ port }) => `redis://127.0.0.1:${port}`),
    async stop() {
      for (const link of [...links.flat(), ...ledgerLinks]) link.close();
      await Promise.all([nodes.stop(), ledger.stop()]);
    },
  };
}

const openLinks = (nodes: readonly LocalNode[]): Promise<Link[]> =>
  Promise.all(nodes.map(({ port }) => Link.open(port)));

/** The store of the ledger keeps what it has acknowledged, so it may be killed. */
async function startLedger(): Promise<LocalNodes> {
  const ledger = await startNodes(1, { args: ARGUMENTS.synchronous });
  await using guard = createRedisGuard({
    redis: ledger.urls[0] ?? '',
    persistence: 'synchronous',
    window: PARAMETERS.window,
  });
  await guard.initialize();
  return ledger;
}

/** No lease can exist yet. */
async function initialize(nodes: readonly string[], parameters: Parameters): Promise<void> {
  await using locks = createLocks({ nodes, ...parameters, onWarning: () => {} });
  await locks.initialize();
}
