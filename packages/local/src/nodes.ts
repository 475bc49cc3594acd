/**
 * Several real Redis nodes on this machine at once: for trying things and for tests, yours included.
 *
 * Guarantees: `startNodes` resolves when all answer, and leaves none behind if one does not. After `stop` every process
 * is gone and a temporary folder is removed; the same holds when this program ends without `stop`, even by SIGKILL.
 */
import { join, resolve } from 'node:path';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import type { LocalNode } from './node.js';
import { requirePlan, type StartOptions } from './options.js';
import { releasePort, reservePort } from './ports.js';
import { findServer } from './server-binary.js';
import { type NodeOptions, ServerNode } from './server-node.js';
import { makeTemporaryFolder, type TemporaryFolder } from './temporary-folder.js';

/** Nodes that were started together. Made by `startNodes`. */
export interface LocalNodes extends AsyncDisposable, Iterable<LocalNode> {
  readonly nodes: readonly LocalNode[];
  /** `redis://127.0.0.1:port` of each node. */
  readonly urls: readonly string[];
  /**
   * Ends every node for good: cleanly if the folder is the caller's; by SIGKILL if the folder is temporary, which is
   * then removed. Does nothing the second time.
   */
  stop(): Promise<void>;
}

/** How often a free port may turn out to be taken before we give up. */
const PORT_TRIES = 5;

/**
 * Starts `count` nodes, from 1 to 100. Throws MisuseError for bad options or when no server is installed,
 * UnavailableError with a server's output when it does not start.
 */
export async function startNodes(count: number, options: StartOptions = {}): Promise<LocalNodes> {
  if (process.platform === 'win32') {
    throw new MisuseError('Local nodes need Linux or macOS; on Windows, use the Linux subsystem (WSL).');
  }
  const { folder, ports, args, config, readyTimeout } = await requirePlan(count, options);
  const server = findServer();
  const temporary = folder === undefined ? await temporaryFolder() : undefined;
  const parent = temporary?.path ?? resolve(folder ?? '');
  const started = await Promise.allSettled(
    Array.from({ length: count }, (_, index) => {
      const node = { server, folder: join(parent, `node-${index + 1}`), args, config, readyTimeout };
      const port = ports?.[index];
      return port === undefined ? startOnFreePort(node) : startOne({ ...node, port });
    }),
  );
  const nodes = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const all = new ServerNodes(nodes, temporary);
  const failed = started.find((outcome) => outcome.status === 'rejected');
  if (failed?.status !== 'rejected') return all;
  await all.stop();
  throw failed.reason;
}

async function temporaryFolder(): Promise<TemporaryFolder> {
  try {
    return await makeTemporaryFolder();
  } catch (error) {
    throw new UnavailableError(
      'A temporary folder for the nodes could not be made; give one as folder.',
      [],
      {
        cause: error,
      },
    );
  }
}

async function startOne(options: NodeOptions): Promise<ServerNode> {
  const node = new ServerNode(options);
  await node.start();
  return node;
}

async function startOnFreePort(options: Omit<NodeOptions, 'port'>): Promise<ServerNode> {
  for (let tries = 1; ; tries += 1) {
    const port = await reservePort();
    try {
      return await startOne({ ...options, port });
    } catch (error) {
      releasePort(port);
      const taken = error instanceof UnavailableError && /address already in use/i.test(error.message);
      if (!taken || tries === PORT_TRIES) throw error;
    }
  }
}

class ServerNodes implements LocalNodes {
  readonly nodes: readonly ServerNode[];
  readonly #temporary: TemporaryFolder | undefined;
  #stopped: Promise<void> | undefined;

  constructor(nodes: readonly ServerNode[], temporary: TemporaryFolder | undefined) {
    this.nodes = nodes;
    this.#temporary = temporary;
  }

  get urls(): readonly string[] {
    return this.nodes.map(({ url }) => url);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const signal = this.#temporary ? 'SIGKILL' : 'SIGTERM';
    await Promise.all(this.nodes.map((node) => node.close(signal)));
    for (const { port } of this.nodes) releasePort(port);
    await this.#temporary?.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  [Symbol.iterator](): Iterator<LocalNode> {
    return this.nodes[Symbol.iterator]();
  }
}
