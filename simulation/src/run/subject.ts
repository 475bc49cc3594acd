/**
 * The code under simulation: what a run needs of the packages, so that a mutated copy of them can take their place.
 */

import * as features from '@holdfast/features';
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks, LeaseLostError } from '@holdfast/lock';
import { createQueue, createWorker, NonRetryableError } from '@holdfast/queue';
import { createLatch } from '@holdfast/queue/latch';
import { openRemote } from '@holdfast/queue/remote';
import { createIndex, createShardedIndex } from '@holdfast/vectors';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';

export interface Subject {
  readonly createLocks: typeof createLocks;
  readonly LeaseLostError: typeof LeaseLostError;
  readonly createRedisGuard: typeof createRedisGuard;
  readonly createQueue: typeof createQueue;
  readonly createWorker: typeof createWorker;
  readonly createLatch: typeof createLatch;
  readonly openRemote: typeof openRemote;
  readonly NonRetryableError: typeof NonRetryableError;
  readonly createWorkflows: typeof createWorkflows;
  readonly defineWorkflow: typeof defineWorkflow;
  readonly features: Pick<
    typeof features,
    'createFeatures' | 'entity' | 'flags' | 'service' | 't' | 'view' | 'windows'
  >;
  readonly vectors: {
    readonly createIndex: typeof createIndex;
    readonly createShardedIndex: typeof createShardedIndex;
  };
}

/** The code that is shipped. */
export const shipped: Subject = {
  createLocks,
  LeaseLostError,
  createRedisGuard,
  createQueue,
  createWorker,
  createLatch,
  openRemote,
  NonRetryableError,
  createWorkflows,
  defineWorkflow,
  features,
  vectors: { createIndex, createShardedIndex },
};
