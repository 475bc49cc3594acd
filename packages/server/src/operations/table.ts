/**
 * All operations of the server. A test walks through this table: each is refused without a key, with a key for another
 * name, and with values that do not fit, and answers its example as its schemas say.
 */
import * as administration from './administration.js';
import * as approvals from './approvals.js';
import * as claims from './claims.js';
import * as dapr from './dapr.js';
import * as elections from './elections.js';
import * as feast from './feast.js';
import * as featureDrift from './feature-drift.js';
import * as featureState from './feature-state.js';
import * as features from './features.js';
import * as fences from './fences.js';
import * as history from './history.js';
import * as indexState from './index-state.js';
import * as landing from './landing.js';
import * as leases from './leases.js';
import * as live from './live.js';
import * as locks from './locks.js';
import * as nodes from './nodes.js';
import type { Operation } from './operation.js';
import * as product from './product.js';
import * as queueLimits from './queue-limits.js';
import * as queues from './queues.js';
import * as quotas from './quotas.js';
import * as runVerbs from './run-verbs.js';
import * as runs from './runs.js';
import * as scale from './scale.js';
import * as schedules from './schedules.js';
import * as signIn from './sign-in.js';
import * as steps from './steps.js';
import * as vectors from './vectors.js';
import * as webhooks from './webhooks.js';

const isOperation = (exported: unknown): exported is Operation =>
  typeof exported === 'object' && exported !== null && 'run' in exported;

export const OPERATIONS: readonly Operation[] = [
  product,
  quotas,
  live,
  signIn,
  queues,
  administration,
  queueLimits,
  schedules,
  claims,
  leases,
  locks,
  history,
  nodes,
  elections,
  fences,
  runs,
  runVerbs,
  approvals,
  steps,
  scale,
  features,
  featureState,
  featureDrift,
  landing,
  vectors,
  indexState,
  webhooks,
  dapr,
  feast,
].flatMap((module) => Object.values<unknown>(module).filter(isOperation));
