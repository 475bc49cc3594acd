/** A Cluster of three masters for the tests of a file, whose slots can be moved from one to another. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, vi } from 'vitest';

const SLOTS = [0, 5_461, 10_923, 16_384];
/** How many keys are moved at once: few, so that a slot lies on two masters for a while. */
const AT_ONCE = '5';

export class TestCluster {
  readonly url: string;
  readonly masters: readonly Redis[];
  readonly #ports: readonly number[];

  constructor(nodes: LocalNodes) {
    this.#ports = nodes.nodes.map(({ port }) => port);
    this.url = `redis-cluster://${this.#ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
    this.masters = nodes.urls.map((url) => new Redis(url));
  }

  async form(): Promise<void> {
    for (const [index, redis] of this.masters.entries()) {
      const [from = 0, to = 0] = SLOTS.slice(index);
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1));
      await redis.call('CLUSTER', 'MEET', '127.0.0.1', String(this.#ports[0]));
    }
    for (const redis of this.masters) {
      const settled = async (): Promise<void> =>
        expect(String(await redis.call('CLUSTER', 'INFO'))).toMatch(/cluster_state:ok.*known_nodes:3/s);
      await vi.waitFor(settled, { timeout: 45_000, interval: 50 });
    }
  }

  /** The place of the master that has the slot of a key. */
  async ownerOf(key: string): Promise<number> {
    for (const [place, redis] of this.masters.entries()) {
      const found = await redis.type(key).then(
        () => true,
        () => false,
      );
      if (found) return place;
    }
    throw new Error(`nobody has the slot of ${key}`);
  }

  /** Moves the slot of a key to another master, key by key, as `redis-cli --cluster reshard` does. */
  async move(key: string): Promise<void> {
    const { source, target, to, slot, idOfTarget } = await this.#begin(key);
    for (;;) {
      const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, AT_ONCE)) as string[];
      if (keys.length === 0) break;
      const port = String(this.#ports[to]);
      await source.call('MIGRATE', '127.0.0.1', port, '', '0', '5000', 'KEYS', ...keys);
    }
    for (const redis of [target, source, ...this.masters])
      await redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', idOfTarget);
  }

  /** Says that the slot of a key moves, and moves nothing. Resolves to what takes it back. */
  async announce(key: string): Promise<() => Promise<void>> {
    const { source, target, slot } = await this.#begin(key);
    return async () => {
      for (const redis of [source, target]) await redis.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
    };
  }

  async #begin(key: string) {
    const from = await this.ownerOf(key);
    const to = (from + 1) % this.masters.length;
    const [source, target] = [this.masters[from] as Redis, this.masters[to] as Redis];
    const slot = String(await source.call('CLUSTER', 'KEYSLOT', key));
    const [idOfSource = '', idOfTarget = ''] = await Promise.all(
      [source, target].map(async (redis) => String(await redis.call('CLUSTER', 'MYID'))),
    );
    await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', idOfSource);
    await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', idOfTarget);
    return { source, target, to, slot, idOfTarget };
  }

  /** All keys that match. */
  async keys(pattern: string): Promise<readonly string[]> {
    return (await Promise.all(this.masters.map((redis) => redis.keys(pattern)))).flat();
  }
}

/** Call it in a test file. */
export function useCluster(): () => TestCluster {
  let nodes: LocalNodes;
  let cluster: TestCluster;
  beforeAll(async () => {
    nodes = await startNodes(3, { args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'] });
    cluster = new TestCluster(nodes);
    await cluster.form();
  }, 60_000);
  afterAll(async () => {
    for (const redis of cluster.masters) redis.disconnect();
    await nodes.stop();
  });
  return () => cluster;
}
