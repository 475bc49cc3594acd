/**
 * Servers that announce themselves by a link, so that the way by which servers follow each other can be disturbed.
 */

import { pause, systemClock, UnavailableError } from '@holdfast/kernel';
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import type { FaultKind } from '../nemesis/fault.js';
import { Link } from '../proxy/link.js';

/** The faults that may be injected if replicas take over, by weight. */
export const FAILOVER_KINDS: readonly FaultKind[] = [
  'kill-node',
  'kill-node',
  'freeze-node',
  'freeze-node',
  'freeze-node',
  'sleep-node',
  'flush-node',
  'freeze-watcher',
  'kill-watcher',
  'isolate-node',
  'isolate-node',
  'failover',
  'freeze-client',
  'freeze-client',
  'kill-client',
  'kill-ledger',
  'freeze-ledger',
  'ledger-link',
];

export interface Announced {
  readonly nodes: readonly LocalNode[];
  readonly inside: readonly Link[];
  stop(): Promise<void>;
}

/** Starts nodes with arguments that may name the port by which each is known. */
export async function startAnnounced(
  count: number,
  argsOf: (port: number) => readonly string[],
): Promise<Announced> {
  const inside = await Promise.all(Array.from({ length: count }, () => Link.open(0)));
  const groups: LocalNodes[] = [];
  for (const link of inside) groups.push(await startNodes(1, { args: argsOf(link.port) }));
  const nodes = groups.map((group) => group.nodes[0] as LocalNode);
  for (const [index, link] of inside.entries()) link.aim(nodes[index]?.port ?? 0);
  return {
    nodes,
    inside,
    async stop() {
      for (const link of inside) link.close();
      await Promise.all(groups.map((group) => group.stop()));
    },
  };
}

/** Waits until it is so. Throws UnavailableError when it takes too long. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + 30_000;
  while (!(await isSo().catch(() => false))) {
    if (systemClock.now() > deadline) throw new UnavailableError(`${what}: not within 30 s.`, []);
    await pause(systemClock, 50);
  }
}
