/**
 * The same faults against every contender: five real servers without persistence, three workers on one resource, and one
 * server that keeps the protected data and suffers no faults.
 *
 * Guarantees: every contender meets the same schedule, drawn from the seed, and has the machine for itself. Nothing is
 * left running.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createRedisGuard } from '@holdfast/fence/redis';
import { pause, seededRandom, systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import type { Saying } from './assignment.js';
import { CONTENDERS, type Described, RESOURCE, TTL } from './contenders.js';
import { type Judged, judge } from './judge.js';

export interface PeersOptions {
  /** For each contender. */
  readonly minutes: number;
  readonly seed: number;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface PeerResult extends Judged {
  readonly contender: Described;
}

const WORKERS = 3;

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const PROGRAM = fileURLToPath(new URL(`worker-process${extension}`, import.meta.url));
const FLAGS = extension === '.ts' ? ['--import', 'tsx', '--conditions=@holdfast/source'] : [];

export async function comparePeers(options: PeersOptions): Promise<readonly PeerResult[]> {
  const results: PeerResult[] = [];
  for (const [place, contender] of CONTENDERS.entries()) {
    if (options.signal?.aborted) break;
    if (!isInstalled(contender.package)) {
      options.onProgress?.(
        `${contender.name} is left out: it is not installed, because it requires a newer Node.js`,
      );
      continue;
    }
    options.onProgress?.(contender.name);
    results.push({ contender, ...(await meet(place, options)) });
  }
  return results;
}

/** npm does not install a package that requires a newer Node.js. */
function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

async function meet(contender: number, options: PeersOptions): Promise<Judged> {
  await using nodes = await startNodes(5);
  await using store = await startNodes(1);
  const [storeUrl = ''] = store.urls;
  await initialize(nodes, storeUrl);
  const workers = new Workers({ contender, nodes: nodes.urls, store: storeUrl, seed: options.seed });
  for (let place = 0; place < WORKERS; place += 1) workers.start(place);
  try {
    await inflict(nodes, workers, options);
  } finally {
    await workers.stop();
  }
  const data = new Redis(storeUrl);
  const value = await data.get(`ledger:${RESOURCE}`);
  data.disconnect();
  return judge(workers.sayings, value ?? '');
}

/** The nodes are new, and so is the store: only Holdfast needs to be told. */
async function initialize(nodes: LocalNodes, store: string): Promise<void> {
  await using locks = createLocks({
    nodes: [...nodes.urls],
    ...{ maxTtl: TTL, window: 500, margin: 200, retention: 60_000 },
  });
  await locks.initialize();
  await using guard = createRedisGuard({ redis: store, window: 500 });
  await guard.initialize();
}

/** One fault after the other, each followed by a while in which all is well. */
async function inflict(nodes: LocalNodes, workers: Workers, options: PeersOptions): Promise<void> {
  const random = seededRandom(options.seed);
  const end = systemClock.now() + options.minutes * 60_000;
  const rest = (low: number, high: number): Promise<void> =>
    pause(systemClock, low + random.unit() * (high - low), options.signal);
  const node = () => nodes.nodes[Math.floor(random.unit() * 5)];
  while (systemClock.now() < end && !options.signal?.aborted) {
    const kind = Math.floor(random.unit() * 4);
    const worker = Math.floor(random.unit() * WORKERS);
    const target = node();
    if (kind === 0) {
      workers.signal(worker, 'SIGSTOP');
      await rest(1.2 * TTL, 2 * TTL);
      workers.signal(worker, 'SIGCONT');
    } else if (kind === 1) {
      // Three of five, each back at once and empty, within a TTL.
      for (const each of nodes.nodes.slice(0, 3)) {
        await each.restart({ empty: true });
        await rest(50, 200);
      }
    } else if (kind === 2) {
      target?.freeze();
      await rest(500, 1.5 * TTL);
      target?.thaw();
    } else {
      workers.signal(worker, 'SIGKILL');
      await rest(100, 500);
      workers.start(worker);
    }
    await rest(500, 1.5 * TTL);
  }
}

class Workers {
  readonly sayings: Saying[] = [];
  readonly #assignment: { contender: number; nodes: readonly string[]; store: string; seed: number };
  readonly #running: (ChildProcess | undefined)[] = [];
  #lives = 0;

  constructor(assignment: { contender: number; nodes: readonly string[]; store: string; seed: number }) {
    this.#assignment = assignment;
  }

  start(place: number): void {
    this.#lives += 1;
    const name = `w${place}.${this.#lives}`;
    const assignment = { ...this.#assignment, name, seed: this.#assignment.seed + this.#lives };
    const child = spawn(process.execPath, [...FLAGS, PROGRAM, JSON.stringify(assignment)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (saying: Saying) => this.sayings.push(saying));
    this.#running[place] = child;
  }

  signal(place: number, signal: NodeJS.Signals): void {
    this.#running[place]?.kill(signal);
  }

  async stop(): Promise<void> {
    for (const child of this.#running) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }
}
