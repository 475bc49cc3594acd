/** What the doctor finds: one thing that hurts or could, in words, with what to do about it. */

import type { DeploymentFacts, NodeFacts } from './facts.js';

export type Severity = 'error' | 'warning' | 'note';

export interface Finding {
  /** "error": leases fail, or are not safe. "warning": they will, if something else happens. "note": good to know. */
  readonly severity: Severity;
  /** What was looked at, in one word. */
  readonly check: string;
  /** Absent if it is about the deployment as a whole. */
  readonly node?: string;
  readonly message: string;
  readonly advice: string;
  /** Whether the node cannot vote now for this reason; without a node, none can. */
  readonly stopsVotes?: true;
}

/** A finding about one node, whose name is added. */
export type NodeFinding = Omit<Finding, 'node'>;

/** Looks at one node. Pure. */
export type ServerCheck = (node: NodeFacts, deployment: DeploymentFacts) => NodeFinding | undefined;

/** Who can vote now. */
export interface Summary {
  readonly nodes: number;
  readonly voting: number;
  /** How many votes a lease needs. */
  readonly quorum: number;
  /** How many more nodes may fail before no lease can be had. */
  readonly spare: number;
  /** In how many ms a node may be restarted without costing a renewed lease; 0 is now, absent is not foreseeable. */
  readonly restartIn?: number | undefined;
  readonly errors: number;
  readonly warnings: number;
  readonly notes: number;
}

export interface Diagnosis {
  /** Worst first. */
  readonly findings: readonly Finding[];
  readonly summary: Summary;
}
