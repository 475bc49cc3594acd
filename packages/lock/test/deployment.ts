/**
 * A deployment of real nodes for a test, with clients of the system under test and raw clients to look behind it.
 * Everything ends with the `await using` that holds it.
 */
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks, type LocksOptions } from '@holdfast/lock';
import { Redis } from 'ioredis';

/** Short enough that a quarantine (2 s) can be waited out in a test. */
export const SHORT = { maxTtl: 2_000, window: 500, margin: 500 } as const;

/** Long enough that no lease ends by itself while a busy machine still gets the waiters into line. */
export const LONG = { ...SHORT, maxTtl: 60_000 } as const;

/** An address at which nobody listens: TCP port 1. */
export const NOWHERE = 'redis://127.0.0.1:1';

export class Deployment implements AsyncDisposable {
  readonly local: LocalNodes;
  readonly raw: readonly Redis[];
  readonly warnings: string[] = [];
  readonly #opened: Locks[] = [];

  constructor(local: LocalNodes) {
    this.local = local;
    this.raw = local.nodes.map(({ url }) => {
      const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
      redis.on('error', () => {}); // nodes are killed on purpose
      return redis;
    });
  }

  get urls(): readonly string[] {
    return this.local.urls;
  }

  node(index: number): LocalNode {
    return this.local.nodes[index] as LocalNode;
  }

  redis(index: number): Redis {
    return this.raw[index] as Redis;
  }

  locks(options: Partial<LocksOptions> = {}): Locks {
    const locks = createLocks({
      nodes: this.urls,
      ...SHORT,
      onWarning: (message) => this.warnings.push(message),
      ...options,
    });
    this.#opened.push(locks);
    return locks;
  }

  /** The number of nodes that have the lock of `resource` now. */
  async holding(resource: string): Promise<number> {
    const up = this.local.nodes.flatMap((node, index) =>
      node.state === 'running' ? [this.redis(index)] : [],
    );
    const found = await Promise.all(up.map((redis) => redis.exists(`{holdfast}:lock:${resource}`)));
    return found.reduce((sum, one) => sum + one, 0);
  }

  /** Script calls that a node has served. */
  async scriptCalls(index: number): Promise<number> {
    const stats = await this.redis(index).info('commandstats');
    const calls = [...stats.matchAll(/cmdstat_(?:evalsha|fcall):calls=(\d+)/g)];
    return calls.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.map((locks) => locks.close()));
    for (const redis of this.raw) redis.disconnect();
    await this.local.stop();
  }
}

/** Starts nodes and, unless `initialize` is false, admits them. */
export async function deploy(
  count = 5,
  { initialize = true, ...options }: Partial<LocksOptions> & { initialize?: boolean } = {},
): Promise<Deployment> {
  const deployment = new Deployment(await startNodes(count));
  if (initialize)
    await deployment.locks({ ...(count % 2 === 0 && { allowEven: true }), ...options }).initialize();
  return deployment;
}
