/**
 * The interface of every deployment: real servers, the links by which clients and servers reach each other, and the
 * faults that may be injected. The kinds are in quorum.ts, sentinel.ts and cluster.ts.
 */
import type { LocalNode } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import type { FaultKind } from '../nemesis/fault.js';
import type { Link } from '../proxy/link.js';
import type { Parameters, Reach } from '../traffic/assignment.js';
import type { Clocks } from './wrapper.js';

/** How much of what they acknowledged the nodes keep over a restart: nothing, most of it, or everything. */
export type Persistence = 'none' | 'everysec' | 'synchronous';

export const ARGUMENTS: Record<Persistence, readonly string[]> = {
  none: [],
  everysec: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
  synchronous: ['--appendonly', 'yes', '--appendfsync', 'always'],
};

export const ANY_SLOT = Symbol('any slot');

/** For DEBUG SLEEP. */
export const DEBUG = ['--enable-debug-command', 'yes'];

export interface DeployOptions {
  /** How many nodes a quorum has. */
  readonly nodes: number;
  readonly clients: number;
  readonly persistence: Persistence;
  /** Whether the nodes' clocks are to be shifted, in a quorum. */
  readonly clocks: boolean;
  /**
   * In a cluster, if the subject is not the locks: one of its keys, which share a slot; or `ANY_SLOT`, where they are in many.
   */
  readonly key?: string | typeof ANY_SLOT;
}

export interface Deployed {
  readonly parameters: Parameters;
  /** The faults that may be injected, by weight. */
  readonly kinds: readonly FaultKind[];
  /** Whether a node may come back without its data. */
  readonly mayForget: boolean;
  /** The time to allow at the end until a master serves again, in ms. */
  readonly settling: number;
  /** The servers of the data. */
  readonly nodes: readonly LocalNode[];
  /** Servers that decide on failovers, besides. */
  readonly watchers: readonly LocalNode[];
  readonly ledger: LocalNode;
  /** By client and node. */
  readonly links: readonly (readonly Link[])[];
  /** The links, by node, for the servers among each other, and for clients without links of their own. */
  readonly inside: readonly Link[];
  readonly ledgerLinks: readonly Link[];
  /** The nodes' clocks, if they can be shifted. */
  readonly clocks: Clocks | undefined;
  reach(client: number): Reach;
  /** Asks for a failover, as an operator would. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

/** Declares that no lease can exist yet. */
export async function initialize(nodes: readonly string[], parameters: Parameters): Promise<void> {
  await using locks = createLocks({ nodes, ...parameters, onWarning: () => {} });
  await locks.initialize();
}
