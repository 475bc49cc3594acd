/**
 * The restarts, one after the other: a replica in order (SIGTERM), a node by SIGKILL without its data, and the data Redis, in order
 * or by SIGKILL; with `everysec`, the latter is a loss of power, which takes what was written within its last second.
 *
 * Guarantees: the next begins when the one before is over: the replica is ready, the node votes, Redis answers.
 */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalNode } from '@holdfast/local';
import { pause } from './attempts.js';
import type { Fsync, MixedDeployment } from './deployment.js';

/** What was written in between may be gone; as performance.now() has it. */
export interface PowerLoss {
  readonly from: number;
  readonly to: number;
}

/** What one fsync covers, in ms. */
const SECOND = 1_000;
/** Between two restarts, in ms. */
const CALM = 2_000;

export class Disturbances {
  readonly counts = { replicas: 0, nodes: 0, 'data Redis': 0 };
  /** Rises when a restart of the data Redis begins, and when it is over: two moments with the same number are of one epoch. */
  phase = 0;
  readonly powerLosses: PowerLoss[] = [];
  readonly #deployment: MixedDeployment;
  readonly #fsync: Fsync;
  readonly #progress: (message: string) => void;

  constructor(deployment: MixedDeployment, fsync: Fsync, progress: (message: string) => void) {
    this.#deployment = deployment;
    this.#fsync = fsync;
    this.#progress = progress;
  }

  /** Until `ending` aborts; each kind once, at least. */
  async run(ending: AbortSignal): Promise<void> {
    const kinds = [() => this.#replica(), () => this.#node(), () => this.#data()];
    for (let turn = 0; turn < kinds.length || !ending.aborted; turn += 1) {
      await pause(CALM);
      await kinds[turn % kinds.length]?.();
    }
  }

  async #replica(): Promise<void> {
    const { replicas } = this.#deployment;
    const replica = replicas[this.counts.replicas % replicas.length];
    this.counts.replicas += 1;
    await replica?.stop();
    await replica?.start();
    await pause(CALM); // until the balancer knows
    this.#progress(`replica ${replica?.url} was restarted`);
  }

  async #node(): Promise<void> {
    const { nodes } = this.#deployment.nodes;
    const node = nodes[this.counts.nodes % nodes.length] as LocalNode;
    this.counts.nodes += 1;
    await node.kill();
    await node.start({ empty: true });
    while (!(await this.#deployment.isVoting(node))) await pause(200);
    this.#progress(`node ${node.port} was killed, and votes again`);
  }

  async #data(): Promise<void> {
    const { data } = this.#deployment;
    const isCrash = this.counts['data Redis'] % 2 === 0;
    this.counts['data Redis'] += 1;
    this.phase += 1;
    if (!isCrash) await data.stop();
    else if (this.#fsync === 'always') await data.kill();
    else await this.#losePower();
    await data.start();
    this.phase += 1;
    this.#progress(`the data Redis ${isCrash ? 'was killed' : 'was restarted'}`);
  }

  async #losePower(): Promise<void> {
    const { data } = this.#deployment;
    const from = performance.now();
    const sizes = logsOf(data).map((path) => ({ path, size: statSync(path).size }));
    await pause(SECOND);
    await data.kill();
    const isRewritten = logsOf(data).join() !== sizes.map(({ path }) => path).join();
    if (isRewritten) return; // it has begun a new file meanwhile, and nothing is lost this time
    for (const { path, size } of sizes) truncateSync(path, size);
    // What had been answered just before is noted a little later.
    this.powerLosses.push({ from, to: performance.now() + SECOND });
  }
}

function logsOf(node: LocalNode): readonly string[] {
  const folder = join(node.folder, 'appendonlydir');
  const names = readdirSync(folder).filter((name) => name.endsWith('.incr.aof'));
  return names.map((name) => join(folder, name));
}
