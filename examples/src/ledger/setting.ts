/**
 * The numbers that the demonstration stands on, in one place: every process of it must agree about them.
 */

/** How many lock nodes there are; a majority of them decides. */
export const NODES = 5;

/** How long a lease is valid, in ms. Nobody renews here: a holder that takes longer has lost it. */
export const TTL = 1_000;

/**
 * The deployment's parameters: short ones, so that a node that was restarted empty votes again after 1.5 s, which is
 * `max(maxTtl, 2 * window + margin)`.
 */
export const DEPLOYMENT = { deployment: 'demo', maxTtl: 1_500, window: 500, margin: 500 } as const;
