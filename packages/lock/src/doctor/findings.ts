/** The findings of the doctor: each a problem, or a potential one, in words, with advice on what to do about it. */

import type { DeploymentFacts, NodeFacts } from './facts.js';

export type Severity = 'error' | 'warning' | 'note';

export interface Finding {
  /** "error": leases fail, or are not safe. "warning": they will, if something else happens. "note": good to know. */
  readonly severity: Severity;
  /** The subject of the check, in one word. */
  readonly check: string;
  /** Absent if the finding is about the deployment as a whole. */
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

/** How many nodes can vote now, and how many findings there are. */
export interface Summary {
  readonly nodes: number;
  readonly voting: number;
  /** How many votes a lease needs. */
  readonly quorum: number;
  /** How many more nodes may fail before no lease can be granted. */
  readonly spare: number;
  /** In how many ms a node may be restarted without the loss of a renewed lease; 0: now; absent: not foreseeable. */
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
