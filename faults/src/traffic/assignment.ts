/**
 * The assignment of a client process, as one argument in JSON, and the messages between it and the harness.
 */

export interface Assignment {
  /** Unique in the episode: "client.incarnation". */
  readonly name: string;
  readonly seed: number;
  /** The file of its history. */
  readonly history: string;
  readonly reach: Reach;
  /** The store of the ledger, through this client's own link. */
  readonly ledger: string;
  /** Opens the keys of this episode's entries in the ledger. */
  readonly entries: string;
  readonly parameters: Parameters;
  /** How many things it does at a time. */
  readonly workers: number;
  /** Whether it takes shared leases. Not where clocks jump: see "Wrong clocks" in the README. */
  readonly shares: boolean;
  /** At the end, how long it may wait for each resource, in ms. */
  readonly grantedWithin: number;
}

/** How a client reaches the nodes. */
export interface Reach {
  readonly nodes: readonly string[];
  /** Behind sentinels: this client's own port for each address that they name. */
  readonly ports?: Readonly<Record<string, number>>;
}

/** The parameters of the deployment: small, so that much happens. */
export interface Parameters {
  readonly maxTtl: number;
  readonly window: number;
  readonly retention: number;
  readonly margin: number;
  readonly persistence: 'none' | 'synchronous';
  readonly replicas: number;
}

export const PARAMETERS: Parameters = {
  maxTtl: 4_000,
  window: 1_000,
  retention: 20_000,
  margin: 200,
  persistence: 'none',
  replicas: 0,
};

/** The resources of the traffic. Under an exclusive lease on a ledger, its entry is written. */
export const LEDGERS: readonly string[] = ['ledger-1', 'ledger-2', 'ledger-3'];
export const SHARED = 'board';
export const SEMAPHORE = 'pool';
export const PERMITS = 2;
export const SEMAPHORES: ReadonlyMap<string, number> = new Map([[SEMAPHORE, PERMITS]]);

/** The harness says "finish": end what you are doing, ask for every resource once, exit. */
export type ToClient = 'finish';

export type FromClient =
  | { readonly say: 'ready' }
  /** Something that must never happen, whatever the faults. */
  | { readonly say: 'unexpected'; readonly error: string }
  /** Nothing to do at the end but to wait, and yet the resource was not granted. */
  | { readonly say: 'starved'; readonly resource: string; readonly error: string };
