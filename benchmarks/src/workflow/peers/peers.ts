/** All that is compared, in the order of the columns. */
import { bullmq } from './bullmq.js';
import { dbos } from './dbos.js';
import { floor } from './floor.js';
import { holdfast, holdfastOwned } from './holdfast.js';
import type { Peer } from './peer.js';

export const peers: readonly Peer[] = [holdfast, bullmq, dbos, holdfastOwned, floor];

/** Those that are other people's. */
export const others: readonly string[] = [bullmq.name, dbos.name];
