/**
 * Several real Redis nodes on this machine at once: for trying things, for tests, yours included.
 *
 * Guarantees: `startNodes` resolves when all answer, and leaves none behind if one does not. After `stop` every process
 * is gone and a temporary folder removed; the same holds when this program ends without it, even by SIGKILL.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { display, MisuseError, requireDuration, requireKnown, UnavailableError } from '@holdfast/kernel';
import { LocalNode } from './node.js';
import { freePort, isFree } from './ports.js';
import { findServer } from './server-binary.js';

export interface StartOptions {
  /** The folder for data, with one folder a node in it. Default: a temporary one, removed at the end. */
  readonly folder?: string;
  /** The ports, one a node. Default: free ones. */
  readonly ports?: readonly number[];
  /** Further arguments of the server, such as `['--appendonly', 'yes']`. Default: no persistence. */
  readonly args?: readonly string[];
  /** How long a server may take until it answers, in ms. Default 10000. */
  readonly readyTimeout?: number;
}

/** How often a free port may turn out to be taken before we give up. */
const PORT_TRIES = 5;

/**
 * Starts `count` nodes, from 1 to 100. Throws MisuseError for bad options or when no server is installed,
 * UnavailableError with a server's output when it does not start.
 */
export async function startNodes(count: number, options: StartOptions = {}): Promise<LocalNodes> {
  requireKnown('startNodes', options, ['folder', 'ports', 'args', 'readyTimeout']);
  if (!Number.isInteger(count) || count < 1 || count > 100) {
    throw new MisuseError(`The number of nodes is a whole number from 1 to 100; got ${display(count)}.`);
  }
  const { ports } = options;
  if (ports !== undefined) await requirePorts(ports, count);
  const readyTimeout = requireDuration('readyTimeout', options.readyTimeout ?? 10_000, { min: 1 });
  const server = findServer();
  const temporary = options.folder === undefined;
  const folder = resolve(options.folder ?? mkdtempSync(join(tmpdir(), 'holdfast-')));
  const args = options.args ?? ['--save', '', '--appendonly', 'no'];
  const start = (index: number, port: number): Promise<LocalNode> =>
    startOne({ server, port, folder: join(folder, `node-${index + 1}`), temporary, args, readyTimeout });
  const started = await Promise.allSettled(
    Array.from({ length: count }, (_, index) => {
      const port = ports?.[index];
      return port === undefined ? startOnFreePort((free) => start(index, free)) : start(index, port);
    }),
  );
  const nodes = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const all = new LocalNodes(nodes, temporary ? folder : undefined);
  const failed = started.find((outcome) => outcome.status === 'rejected');
  if (failed?.status !== 'rejected') return all;
  await all.stop();
  throw failed.reason;
}

async function startOne(options: ConstructorParameters<typeof LocalNode>[0]): Promise<LocalNode> {
  const node = new LocalNode(options);
  await node.start();
  return node;
}

async function startOnFreePort(start: (port: number) => Promise<LocalNode>): Promise<LocalNode> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      const taken = error instanceof UnavailableError && /address already in use/i.test(error.message);
      if (!taken || tries === PORT_TRIES) throw error;
    }
  }
}

async function requirePorts(ports: readonly number[], count: number): Promise<void> {
  if (ports.length !== count) {
    throw new MisuseError(`Give one port a node: ${count} nodes, ${ports.length} ports.`);
  }
  for (const port of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new MisuseError(`A port is a whole number from 1 to 65535; got ${display(port)}.`);
    }
    if (!(await isFree(port))) {
      throw new MisuseError(`Port ${port} is in use; stop what listens there, or choose another.`);
    }
  }
}

/** Nodes that were started together. Made by `startNodes`. */
export class LocalNodes implements AsyncDisposable, Iterable<LocalNode> {
  readonly nodes: readonly LocalNode[];
  readonly #temporary: string | undefined;

  /** @internal */
  constructor(nodes: readonly LocalNode[], temporary: string | undefined) {
    this.nodes = nodes;
    this.#temporary = temporary;
  }

  /** `redis://127.0.0.1:port` of each node. */
  get urls(): readonly string[] {
    return this.nodes.map(({ url }) => url);
  }

  /** Kills every node and removes a temporary folder. Does nothing the second time. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    if (this.#temporary) rmSync(this.#temporary, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  [Symbol.iterator](): Iterator<LocalNode> {
    return this.nodes[Symbol.iterator]();
  }
}
