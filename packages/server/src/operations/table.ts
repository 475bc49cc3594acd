/**
 * All operations of the server. A test walks through this table: each is refused without a key, with a key for another
 * name, and with values that do not fit, and answers its example as its schemas say.
 */
import * as administration from './administration.js';
import * as claims from './claims.js';
import * as features from './features.js';
import * as leases from './leases.js';
import * as live from './live.js';
import type { Operation } from './operation.js';
import * as product from './product.js';
import * as queues from './queues.js';
import * as runs from './runs.js';
import * as scale from './scale.js';
import * as vectors from './vectors.js';

export const OPERATIONS: readonly Operation[] = [
  ...Object.values(product),
  ...Object.values(live),
  ...Object.values(queues),
  ...Object.values(administration),
  ...Object.values(claims),
  ...Object.values(leases),
  ...Object.values(runs),
  ...Object.values(scale),
  ...Object.values(features),
  ...Object.values(vectors),
];
