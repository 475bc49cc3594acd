/** A master with replicas watched by sentinels, and a cluster, of real servers on this machine. */
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { expect, vi } from 'vitest';

/** Servers with raw clients to look behind them. */
class Servers implements AsyncDisposable {
  readonly #groups: readonly LocalNodes[];
  readonly #clients: Redis[] = [];

  constructor(...groups: readonly LocalNodes[]) {
    this.#groups = groups;
  }

  client(node: LocalNode): Redis {
    const redis = new Redis(node.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    redis.on('error', () => {}); // nodes are killed on purpose
    this.#clients.push(redis);
    return redis;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await Promise.all(this.#groups.map((group) => group.stop()));
  }
}

/** One master and two replicas, and three sentinels that agree on them. */
export class Watched extends Servers {
  readonly data: readonly LocalNode[];
  readonly url: string;

  private constructor(data: LocalNodes, sentinels: LocalNodes) {
    super(data, sentinels);
    this.data = data.nodes;
    this.url = `redis-sentinel://${sentinels.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?master=main`;
  }

  static async start(): Promise<Watched> {
    const data = await startNodes(3, {
      args: ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
    });
    const [master, ...replicas] = data.nodes as [LocalNode, ...LocalNode[]];
    const config = [
      `sentinel monitor main 127.0.0.1 ${master.port} 2`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 3000',
      '',
    ].join('\n');
    for (const { url } of replicas) await once(url, ['REPLICAOF', '127.0.0.1', `${master.port}`]);
    await vi.waitFor(
      async () => expect(await once(master.url, ['INFO', 'replication'])).toMatch(/slave1:.*state=online/),
      10_000,
    );
    const sentinels = await startNodes(3, { args: ['--sentinel'], config });
    for (const { url } of sentinels) {
      const knows = async (): Promise<void> => {
        const info = String(await once(url, ['INFO', 'sentinel']));
        expect(info).toMatch(/status=ok.*slaves=2,sentinels=3/);
      };
      await vi.waitFor(knows, { timeout: 20_000, interval: 50 });
    }
    return new Watched(data, sentinels);
  }

  /** The one that says it is master, and whom somebody follows or nobody could. */
  async master(): Promise<LocalNode> {
    return vi.waitFor(
      async () => {
        const running = this.data.filter(({ state }) => state === 'running');
        const roles = await Promise.all(running.map(({ url }) => once(url, ['ROLE'])));
        const masters = running.filter((_, index) => (roles[index] as string[])[0] === 'master');
        expect(masters).toHaveLength(1);
        return masters[0] as LocalNode;
      },
      { timeout: 20_000, interval: 50 },
    );
  }
}

/** Three masters with a replica each. */
export class Cluster extends Servers {
  readonly nodes: readonly LocalNode[];
  readonly url: string;

  private constructor(nodes: LocalNodes) {
    super(nodes);
    this.nodes = nodes.nodes;
    this.url = `redis-cluster://${nodes.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  static async start(): Promise<Cluster> {
    const args = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      '1000',
      '--repl-diskless-sync-delay',
      '0',
    ];
    const nodes = await startNodes(6, { args });
    const all = nodes.nodes;
    const [first] = all as [LocalNode];
    for (const { port } of all.slice(1)) await once(first.url, ['CLUSTER', 'MEET', '127.0.0.1', `${port}`]);
    const starts = [0, 5_461, 10_923, 16_384];
    for (const [index, { url }] of all.slice(0, 3).entries()) {
      await once(url, ['CLUSTER', 'ADDSLOTSRANGE', `${starts[index]}`, `${(starts[index + 1] ?? 0) - 1}`]);
    }
    for (const [index, { url }] of all.slice(3).entries()) {
      const id = String(await once((all[index] as LocalNode).url, ['CLUSTER', 'MYID']));
      await vi.waitFor(() => once(url, ['CLUSTER', 'REPLICATE', id]), { timeout: 20_000, interval: 50 });
    }
    for (const { url } of all) {
      const settled = async (): Promise<void> => {
        expect(String(await once(url, ['CLUSTER', 'INFO']))).toMatch(/cluster_state:ok.*known_nodes:6/s);
        expect(String(await once(url, ['CLUSTER', 'NODES'])).match(/slave .* connected/g)).toHaveLength(3);
      };
      await vi.waitFor(settled, { timeout: 20_000, interval: 50 });
    }
    for (const { url } of all.slice(0, 3)) {
      await vi.waitFor(
        async () => expect(await once(url, ['INFO', 'replication'])).toMatch(/state=online/),
        20_000,
      );
    }
    return new Cluster(nodes);
  }

  /** The master of the slot of `key`. */
  async owner(key: string): Promise<LocalNode> {
    for (const node of this.nodes) {
      if (node.state !== 'running') continue;
      const role = (await once(node.url, ['ROLE'])) as string[];
      const found = await once(node.url, ['EXISTS', key]).catch(() => undefined);
      if (role[0] === 'master' && found !== undefined) return node;
    }
    throw new Error(`nobody serves ${key}`);
  }
}

/** One command over a connection of its own. */
export async function once(url: string, [command = '', ...args]: readonly string[]): Promise<unknown> {
  const redis = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0, commandTimeout: 2_000 });
  redis.on('error', () => {});
  try {
    return await redis.call(command, args);
  } finally {
    redis.disconnect();
  }
}
