/**
 * What the mixed load runs on: five lock nodes, a data Redis with an append-only file, two replicas of the server, and a worker
 * of the workflow app.
 *
 * Guarantees: `stop` ends all of it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@holdfast/kernel';
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { createKey, createServerKey } from '@holdfast/server';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { Replica } from './replica.js';

export type Fsync = 'always' | 'everysec';

const NODES = 5;
const REPLICAS = 2;
/** In ms. Quarantines are as long as the longest TTL, so that a node votes again soon. */
const MAX_TTL = 10_000;
const WINDOW = 2_000;
const MARGIN = 2_000;

export class MixedDeployment {
  readonly replicas: readonly Replica[];
  readonly nodes: LocalNodes;
  readonly data: LocalNode;
  /** An API key that may do everything. */
  readonly key: string;
  readonly #data: LocalNodes;
  readonly #locks: Locks;
  readonly #worker: MeasuringProcess;
  readonly #folder: string;

  private constructor(parts: Parts) {
    const { folder, key, nodes, data, locks, replicas, worker } = parts;
    this.#folder = folder;
    this.key = key;
    this.nodes = nodes;
    this.#data = data;
    this.data = data.nodes[0] as LocalNode;
    this.#locks = locks;
    this.replicas = replicas;
    this.#worker = worker;
  }

  static async start(fsync: Fsync): Promise<MixedDeployment> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-mixed-'));
    const { key, entry } = createKey({ subject: 'mixed', scopes: ['*'] }, systemRandom);
    await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [entry] }));
    await writeFile(join(folder, 'server-key.json'), JSON.stringify(createServerKey()));
    const [nodes, data] = await Promise.all([
      startNodes(NODES),
      startNodes(1, { args: ['--appendonly', 'yes', '--appendfsync', fsync], readyTimeout: 60_000 }),
    ]);
    const [redis = ''] = data.urls;
    const parameters = { maxTtl: MAX_TTL, window: WINDOW, margin: MARGIN };
    const locks = createLocks({ nodes: nodes.urls, ...parameters, onWarning: () => {} });
    await locks.initialize();
    const replicas = Array.from(
      { length: REPLICAS },
      () =>
        new Replica({
          HOLDFAST_NODES: nodes.urls.join(','),
          REDIS_URL: redis,
          HOLDFAST_REDIS_PERSISTENCE: fsync === 'always' ? 'synchronous' : 'none',
          HOLDFAST_MAX_TTL: `${MAX_TTL}ms`,
          HOLDFAST_WINDOW: `${WINDOW}ms`,
          HOLDFAST_MARGIN: `${MARGIN}ms`,
          HOLDFAST_KEYS: join(folder, 'keys.json'),
          HOLDFAST_SERVER_KEY: join(folder, 'server-key.json'),
          HOLDFAST_DRAIN: '2s',
        }),
    );
    const worker = new MeasuringProcess(processFile(import.meta.url, 'worker-process'), [redis]);
    const started = new MixedDeployment({ folder, key, nodes, data, locks, replicas, worker });
    await Promise.all([worker.started(), ...replicas.map((replica) => replica.start())]);
    return started;
  }

  /** Whether the node votes. */
  async isVoting(node: LocalNode): Promise<boolean> {
    const { nodes } = await this.#locks.inspect('account:0');
    return nodes[this.nodes.nodes.indexOf(node)]?.state === 'voting';
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.replicas.map((replica) => replica.stop()));
    this.#worker.stop();
    await this.#locks.close();
    await Promise.all([this.nodes.stop(), this.#data.stop()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly folder: string;
  readonly key: string;
  readonly nodes: LocalNodes;
  readonly data: LocalNodes;
  readonly locks: Locks;
  readonly replicas: readonly Replica[];
  readonly worker: MeasuringProcess;
}
