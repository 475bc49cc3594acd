/**
 * A quorum of independent nodes, with a link of its own from every client to every one of them.
 */
import { startNodes } from '@holdfast/local';
import type { FaultKind } from '../nemesis/fault.js';
import { Link } from '../proxy/link.js';
import { PARAMETERS, type Parameters } from '../traffic/assignment.js';
import { ARGUMENTS, DEBUG, type Deployed, type DeployOptions, initialize } from './deployment.js';
import { openLedger } from './ledger-store.js';
import { through, wrapServer } from './wrapper.js';

const KINDS: readonly FaultKind[] = [
  'kill-node',
  'kill-node',
  'cut-power',
  'cut-power',
  'freeze-node',
  'freeze-node',
  'sleep-node',
  'flush-node',
  'fill-disk',
  'fill-disk',
  'step-clock',
  'jump-clock',
  'jump-clock',
  'rolling-restart',
  'freeze-client',
  'freeze-client',
  'kill-client',
  'link',
  'link',
  'link',
  'partition',
  'partition',
  'kill-ledger',
  'freeze-ledger',
  'ledger-link',
];

export async function deployQuorum(options: DeployOptions): Promise<Deployed> {
  const { nodes: count, clients, persistence } = options;
  const wrapper = wrapServer(count, options.clocks);
  const args = [...DEBUG, ...ARGUMENTS[persistence]];
  const nodes = await through(wrapper, () => startNodes(count, { args }));
  const store = await openLedger(clients);
  const synchronous = persistence === 'synchronous';
  const parameters: Parameters = {
    ...PARAMETERS,
    // Else a node that jumps ahead would forget what late extends rest on.
    ...(wrapper.clocks && { retention: 60_000 }),
    persistence: synchronous ? 'synchronous' : 'none',
  };
  await initialize(nodes.urls, parameters);
  const open = (): Promise<Link[]> => Promise.all(nodes.nodes.map(({ port }) => Link.open(port)));
  const links = await Promise.all(Array.from({ length: clients }, open));
  const isPossible = (kind: FaultKind): boolean => {
    if (kind === 'flush-node') return !synchronous;
    if (kind === 'cut-power') return persistence === 'everysec';
    if (kind === 'fill-disk') return persistence !== 'none' && process.platform === 'linux';
    return wrapper.clocks !== undefined || !kind.endsWith('-clock');
  };
  return {
    parameters,
    kinds: KINDS.filter(isPossible),
    mayForget: !synchronous,
    settling: 0,
    nodes: nodes.nodes,
    watchers: [],
    ...store,
    links,
    inside: [],
    clocks: wrapper.clocks,
    reach: (client) => ({ nodes: (links[client] ?? []).map(({ port }) => `redis://127.0.0.1:${port}`) }),
    async failover() {},
    async stop() {
      for (const link of links.flat()) link.close();
      await Promise.all([nodes.stop(), store.close()]);
      wrapper.remove();
    },
  };
}
