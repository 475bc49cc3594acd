/**
 * The facts that `holdfast doctor` has about a deployment: plain values, as `collect` reads them, `judge` weighs them
 * and `--json` shows them. A fact that could not be read is absent. Nothing here is secret: no password and no value of
 * a key.
 *
 * Durations and differences are in milliseconds.
 */

export interface Facts {
  readonly deployment: DeploymentFacts;
  readonly nodes: readonly NodeFacts[];
}

/** This client's description of the deployment. */
export interface DeploymentFacts {
  readonly name: string;
  /** As a deployment record keeps them: `nodes=3 maxTtl=30000 …`. */
  readonly parameters: string;
  readonly quorum: number;
  readonly window: number;
  readonly quarantine: number;
  readonly callTimeout: number;
  /** Whether an even number of nodes is intended. */
  readonly allowEven: boolean;
}

export interface NodeFacts {
  /** `host:port` or a socket path. */
  readonly node: string;
  /** The machine, as the address names it; absent if a sentinel or a cluster is asked for the server. */
  readonly host?: string | undefined;
  /** The kind of address that is asked for the server. */
  readonly via?: 'sentinel' | 'cluster' | undefined;
  /** The reason why nothing else is known. */
  readonly trouble?: Trouble | undefined;
  readonly server?: ServerFacts | undefined;
  readonly config?: ConfigFacts | undefined;
  /** "none": the record was looked for, and does not exist. */
  readonly record?: RecordFacts | 'none' | undefined;
  /** Why the record could not be read. */
  readonly recordRefused?: string | undefined;
  readonly clock?: ClockFacts | undefined;
  /** Round-trip times of several PINGs, shortest first. */
  readonly latency?: readonly number[] | undefined;
  /** Whether the server has Redis Functions. */
  readonly functions?: boolean | undefined;
  readonly rights?: RightsFacts | undefined;
  /** The slowest command of the last hour that the server's slow log has. */
  readonly slowest?: SlowCommand | undefined;
}

export interface Trouble {
  /**
   * "away": no connection; "login": refused; "silent": no answer in time; "busy": a script runs; "loading": it starts.
   */
  readonly kind: 'away' | 'login' | 'silent' | 'busy' | 'loading';
  readonly reason: string;
}

/** From INFO. */
export interface ServerFacts {
  readonly runId: string;
  readonly replicationId: string;
  readonly version: string;
  readonly role: string;
  readonly master?: string | undefined;
  readonly inCluster: boolean;
  /** Replicas that are connected, and those of them that have acknowledged within two seconds. */
  readonly replicas: number;
  readonly following: number;
  /** Replicas that keep up, as min-replicas-to-write counts them; absent if it is not set. */
  readonly goodReplicas?: number | undefined;
  readonly usedMemory: number;
  /** Bytes; 0 is no limit. */
  readonly maxMemory: number;
  readonly evictionPolicy: string;
  readonly appendOnly: boolean;
  readonly lastSaveFailed: boolean;
  readonly lastAppendFailed: boolean;
  readonly clients: number;
  /** Absent in versions that do not report it. */
  readonly maxClients?: number | undefined;
}

/** From CONFIG GET, if the user has the right. */
export interface ConfigFacts {
  readonly appendFsync: string;
  /** Empty: the server takes no snapshots. */
  readonly save: string;
  readonly stopsWritesWhenSaveFails: boolean;
  readonly minReplicasToWrite: number;
}

/** The deployment record, as it is. */
export interface RecordFacts {
  readonly parameters: string;
  /** While the number of nodes changes: the parameters that are also accepted. */
  readonly also?: string;
  readonly server: string;
  /** The time until the node may vote again, by its own clock; 0 or less if it may vote now. */
  readonly votesIn: number;
}

export interface ClockFacts {
  /** How far the node's clock is ahead of this machine's, give or take `uncertainty`. */
  readonly ahead: number;
  readonly uncertainty: number;
}

export interface RightsFacts {
  /** The name under which the node knows us, if it tells. */
  readonly user?: string | undefined;
  /** Whether every right was checked; without ACL DRYRUN, only those that can be tried without leaving a trace are. */
  readonly complete: boolean;
  /** In the words of ACL SETUSER: `+zadd`, `~{holdfast}:*`. */
  readonly missing: readonly string[];
}

export interface SlowCommand {
  readonly command: string;
  readonly took: number;
  readonly ago: number;
}
