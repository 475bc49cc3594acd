/**
 * A Redis Cluster of several masters on this machine, without replicas.
 *
 * Guarantees: it resolves when all slots are served. What it has started is ended by `stop`.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { until } from './scenario.js';

export interface Masters {
  /** `redis-cluster://…` */
  readonly url: string;
  readonly nodes: LocalNodes;
}

const SLOTS = 16_384;

/** `args`: further ones of each server. */
export async function startMasters(count: number, args: readonly string[] = []): Promise<Masters> {
  const nodes = await startNodes(count, { args: ['--cluster-enabled', 'yes', ...args] });
  const clients = nodes.urls.map((url) => new Redis(url));
  try {
    for (const [index, client] of clients.entries()) {
      const [from, to] = [index, index + 1].map((share) => Math.round((share * SLOTS) / count)) as [
        number,
        number,
      ];
      await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to - 1);
      // Epochs that differ: otherwise the masters take seconds to agree on them.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }
    for (const { port } of nodes.nodes.slice(1)) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port);
    await until('every master serves', async () => {
      const states = await Promise.all(clients.map((client) => client.call('CLUSTER', 'INFO')));
      return states.every(
        (state) =>
          /cluster_state:ok/.test(String(state)) && String(state).includes(`cluster_known_nodes:${count}`),
      );
    });
  } catch (error) {
    await nodes.stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  return { url: `redis-cluster://${nodes.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, nodes };
}
