/**
 * One master and two replicas, watched by three sentinels.
 *
 * Sentinels and replicas know each server by a link; so does client 0, by the URL. The other clients map it to links of
 * their own, so that a master can be isolated from its replicas and not from its clients.
 */
import { type LocalNode, startNodes } from '@holdfast/local';
import { command } from '../nemesis/command.js';
import { Link } from '../proxy/link.js';
import { PARAMETERS, type Parameters } from '../traffic/assignment.js';
import { ARGUMENTS, DEBUG, type Deployed, type DeployOptions, initialize } from './deployment.js';
import { openLedger } from './ledger-store.js';
import { FAILOVER_KINDS, startAnnounced, until } from './replicas.js';

const SETTLING = 45_000;

export async function deploySentinel({ clients, persistence }: DeployOptions): Promise<Deployed> {
  const { nodes, inside, stop } = await startAnnounced(3, (port) => [
    ...DEBUG,
    ...ARGUMENTS[persistence],
    ...['--replica-announce-ip', '127.0.0.1', '--replica-announce-port', `${port}`],
    ...['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
  ]);
  const [master, ...replicas] = nodes as [LocalNode, ...LocalNode[]];
  const port = `${inside[0]?.port}`;
  for (const replica of replicas) await command(replica, ['REPLICAOF', '127.0.0.1', port]);
  await until('Both replicas follow', async () => {
    const info = String(await command(master, ['INFO', 'replication']));
    return /slave1:.*state=online/.test(info);
  });
  const config = [
    `sentinel monitor main 127.0.0.1 ${port} 2`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 3000',
    '',
  ].join('\n');
  const sentinels = await startNodes(3, { args: ['--sentinel'], config });
  for (const sentinel of sentinels) {
    await until('The sentinels know each other', async () =>
      /status=ok.*slaves=2,sentinels=3/.test(String(await command(sentinel, ['INFO', 'sentinel']))),
    );
  }
  const url = `redis-sentinel://${sentinels.nodes.map((node) => `127.0.0.1:${node.port}`).join(',')}?master=main`;
  const parameters: Parameters = { ...PARAMETERS, replicas: 1 };
  await initialize([url], parameters);
  const store = await openLedger(clients);
  const open = (): Promise<Link[]> => Promise.all(nodes.map((node) => Link.open(node.port)));
  const links = await Promise.all(Array.from({ length: clients }, open));
  const mapOf = (client: number): Record<string, number> =>
    Object.fromEntries(
      inside.map((link, node) => [`127.0.0.1:${link.port}`, links[client]?.[node]?.port ?? 0]),
    );
  return {
    parameters,
    kinds: [...FAILOVER_KINDS, 'link', 'link', 'link', 'partition'],
    mayForget: true,
    settling: SETTLING,
    nodes,
    watchers: sentinels.nodes,
    ...store,
    links,
    inside,
    clocks: undefined,
    reach: (client) => ({ nodes: [url], ...(client > 0 && { ports: mapOf(client) }) }),
    async failover() {
      const sentinel =
        sentinels.nodes.find(({ state }) => state === 'running') ?? (sentinels.nodes[0] as LocalNode);
      await command(sentinel, ['SENTINEL', 'FAILOVER', 'main']);
    },
    async stop() {
      for (const link of links.flat()) link.close();
      await Promise.all([sentinels.stop(), stop(), store.close()]);
    },
  };
}
