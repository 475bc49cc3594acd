/**
 * A Redis Cluster: the master that serves the deployment with two replicas, and two masters more, which vote. Where the keys
 * of the deployment are in many slots, the two have one slot each.
 *
 * All know each server by one link. The bus, on which the servers agree who is master, is not disturbed, but the servers
 * are.
 */
import type { LocalNode } from '@holdfast/local';
import { command } from '../nemesis/command.js';
import { PARAMETERS, type Parameters } from '../traffic/assignment.js';
import { ANY_SLOT, ARGUMENTS, DEBUG, type Deployed, type DeployOptions, initialize } from './deployment.js';
import { openLedger } from './ledger-store.js';
import { FAILOVER_KINDS, startAnnounced, until } from './replicas.js';

const SETTLING = 30_000;
const KEY = '{holdfast}:record';
const SLOTS = 16_384;
const BUS = 10_000;

export async function deployCluster({ clients, persistence, key }: DeployOptions): Promise<Deployed> {
  const {
    nodes: all,
    inside,
    stop,
  } = await startAnnounced(5, (port) => [
    ...DEBUG,
    ...ARGUMENTS[persistence],
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'],
    // Else one of the replicas may go over to another master, which has none.
    ...['--cluster-migration-barrier', '2'],
    ...['--cluster-announce-ip', '127.0.0.1', '--cluster-announce-port', `${port}`],
    ...['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
  ]);
  const [first, ...others] = all as [LocalNode, ...LocalNode[]];
  for (const [index, { port }] of others.entries()) {
    await command(first, ['CLUSTER', 'MEET', '127.0.0.1', `${inside[index + 1]?.port}`, `${port + BUS}`]);
  }
  for (const [index, [from, to]] of (await slotsFor(first, key)).entries()) {
    await command(all[index] as LocalNode, ['CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to}`]);
  }
  const shard = [first, ...all.slice(3)];
  const id = String(await command(first, ['CLUSTER', 'MYID']));
  for (const replica of shard.slice(1)) {
    await until('The replica knows its master', async () => {
      return (await command(replica, ['CLUSTER', 'REPLICATE', id])) === 'OK';
    });
  }
  for (const node of all) {
    await until('The cluster is complete', async () => {
      const info = String(await command(node, ['CLUSTER', 'INFO']));
      const members = String(await command(node, ['CLUSTER', 'NODES']));
      return (
        /cluster_state:ok.*known_nodes:5/s.test(info) && members.match(/slave .* connected/g)?.length === 2
      );
    });
  }
  await until('Both replicas follow', async () =>
    /slave1:.*state=online/.test(String(await command(first, ['INFO', 'replication']))),
  );
  const url = `redis-cluster://${inside.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  const parameters: Parameters = { ...PARAMETERS, replicas: 1 };
  if (key === undefined) await initialize([url], parameters);
  const store = await openLedger(clients);
  return {
    parameters,
    kinds: FAILOVER_KINDS,
    // An emptied folder would lose the server's place in the cluster; without persistence it forgets all the same.
    mayForget: false,
    settling: SETTLING,
    nodes: shard,
    watchers: all.slice(1, 3),
    ...store,
    links: [],
    inside: [inside[0], inside[3], inside[4]].filter((link) => link !== undefined),
    clocks: undefined,
    reach: () => ({ nodes: [url] }),
    failover: () => takeOver(shard),
    async stop() {
      await Promise.all([stop(), store.close()]);
    },
  };
}

type Slots = readonly [from: number, to: number];

/** The slots of the master that serves the deployment, and of the two others. */
async function slotsFor(first: LocalNode, key: DeployOptions['key']): Promise<readonly Slots[]> {
  if (key === ANY_SLOT)
    return [
      [0, SLOTS - 3],
      [SLOTS - 2, SLOTS - 2],
      [SLOTS - 1, SLOTS - 1],
    ];
  const slot = Number(await command(first, ['CLUSTER', 'KEYSLOT', key ?? KEY]));
  const [below, above]: Slots[] = [
    [0, slot - 1],
    [slot + 1, SLOTS - 1],
  ];
  return [[slot, slot], ...(slot > SLOTS / 2 ? [below, above] : [above, below])] as Slots[];
}

/** The first replica that runs takes over; without asking anybody, so that the old master learns of it late. */
async function takeOver(shard: readonly LocalNode[]): Promise<void> {
  for (const node of shard.filter(({ state }) => state === 'running')) {
    const [role] = (await command(node, ['ROLE'])) as string[];
    if (role !== 'slave') continue;
    await command(node, ['CLUSTER', 'FAILOVER', 'TAKEOVER']);
    return;
  }
}
