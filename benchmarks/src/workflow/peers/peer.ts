/**
 * What is compared: engines of durable runs, each behind the same few calls, used as its documentation recommends.
 *
 * Guarantees: a peer connects to the servers that it is given, and closes all that it opened.
 */

export interface Servers {
  /** `redis://…` */
  readonly redis: string;
  /** `postgres://…` */
  readonly postgres: string;
}

/** What a process of a peer does: starts runs and awaits their results, lets runs go on, or both. */
export type Role = 'both' | 'client' | 'worker';

export interface Opened {
  /** One run of so many steps that do nothing, from its start to its result, which is the number of its steps. */
  run(steps: number): Promise<number>;
  /**
   * One run of so many steps, one after the other; resolves to what each of them took inside the run, in ms. Undefined where
   * that means nothing.
   */
  readonly laps?: (steps: number) => Promise<readonly number[]>;
  close(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  /** Whose version is shown; undefined for one that is written here. */
  readonly package: string | undefined;
  /** Whether a client and a worker may be two processes. */
  readonly isSplit: boolean;
  open(servers: Servers, role: Role): Promise<Opened>;
}
