/** A Cluster of three masters, for the tests of a file. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';

const SLOTS = [0, 5_461, 10_923, 16_384];

export interface TestCluster {
  readonly url: string;
  readonly masters: readonly Redis[];
}

/** Call it in a test file; it is there in the tests, and empty before each. */
export function useCluster(): () => TestCluster {
  let nodes: LocalNodes;
  let masters: Redis[] = [];
  beforeAll(async () => {
    nodes = await startNodes(3, { args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'] });
    masters = nodes.urls.map((url) => new Redis(url));
    const ports = nodes.nodes.map(({ port }) => String(port));
    for (const [index, redis] of masters.entries()) {
      const [from = 0, to = 0] = SLOTS.slice(index);
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1));
      await redis.call('CLUSTER', 'MEET', '127.0.0.1', ports[0] ?? '');
    }
    for (const redis of masters) {
      const settled = async (): Promise<void> =>
        expect(String(await redis.call('CLUSTER', 'INFO'))).toMatch(/cluster_state:ok.*known_nodes:3/s);
      await vi.waitFor(settled, { timeout: 45_000, interval: 50 });
    }
  }, 60_000);
  beforeEach(async () => {
    for (const redis of masters) await redis.flushall();
  });
  afterAll(async () => {
    for (const redis of masters) redis.disconnect();
    await nodes.stop();
  });
  return () => ({
    masters,
    url: `redis-cluster://${nodes.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
  });
}
