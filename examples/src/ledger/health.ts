/**
 * The health of the lock nodes, as their clients see it: asks them with `inspect`, several times a second.
 *
 * Guarantees: reads only, so watching changes nothing. A node that does not answer is "silent", and holds up nobody.
 */
import type { LocalNode } from '@holdfast/local';
import type { Locks } from '@holdfast/lock';
import { type Changes, rest } from './changes.js';
import { ACCOUNT } from './ledger.js';

/**
 * "restarted": it runs, has forgotten all, and nobody has asked for its vote yet. "quarantined": it votes on nothing
 * until what it forgot has expired. "frozen" and "down" are our own doing.
 */
export type NodeHealth = 'voting' | 'restarted' | 'quarantined' | 'silent' | 'frozen' | 'down';

export class Health {
  readonly nodes: readonly LocalNode[];
  readonly #locks: Locks;
  readonly #changes: Changes;
  #seen: readonly NodeHealth[];

  constructor(nodes: readonly LocalNode[], locks: Locks, changes: Changes) {
    this.nodes = nodes;
    this.#locks = locks;
    this.#changes = changes;
    this.#seen = nodes.map(() => 'silent');
  }

  of(node: LocalNode): NodeHealth {
    if (node.state === 'frozen') return 'frozen';
    if (node.state !== 'running') return 'down';
    return this.#seen[this.nodes.indexOf(node)] ?? 'silent';
  }

  /** How many nodes are in which health, in words. */
  summary(): string {
    const counts = new Map<NodeHealth, number>();
    for (const node of this.nodes) counts.set(this.of(node), (counts.get(this.of(node)) ?? 0) + 1);
    return [...counts].map(([health, count]) => `${count} ${health}`).join(', ');
  }

  /** Asks every node once. */
  async look(): Promise<void> {
    const { nodes } = await this.#locks.inspect(ACCOUNT);
    this.#seen = nodes.map(({ state }) => {
      if (state === 'unadmitted') return 'restarted';
      return state === 'voting' || state === 'quarantined' ? state : 'silent';
    });
    this.#changes.notify();
  }

  /** Looks again and again until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (await rest(100, signal)) await this.look();
  }
}
