/** The numbers that the shop stands on, in one place: every process of it must agree about them. All times are in ms. */

/** How many lock nodes there are; a majority of them decides. */
export const NODES = 5;
export const WORKERS = 3;

/** How long a lease on an account is valid unless it is renewed. */
export const TTL = 2_000;

/** After how long without a sign of life the runs, tasks and streams of a worker go on at another. */
export const LEASE = 2_000;

/** Short ones, so that a node that was restarted empty votes again after 3 s: `max(maxTtl, 2 * window + margin)`. */
export const DEPLOYMENT = { deployment: 'shop', maxTtl: 3_000, window: 1_000, margin: 500 } as const;

/** How many customers there are, and who of them is at the page, and buys more often than others. */
export const ACCOUNTS = 60;
export const YOURS = '42';

/** The servers of the shop, as its processes are told of them. */
export interface Plant {
  /** The lock nodes, as URLs. */
  readonly nodes: readonly string[];
  /** The Redis that has all data, as a URL. */
  readonly data: string;
}
