/**
 * @holdfast/queue: tasks on Redis Streams, every delivery a lease with a fencing token. The main path: `createQueue`
 * (queue.ts), `add`; `createWorker` (worker.ts), whose consumer (consumer.ts) claims and ends deliveries.
 */
export {
  AbortedError,
  type Backoff,
  type Codec,
  type CodecContext,
  CodecError,
  type CustomBackoff,
  HoldfastError,
  LeaseLostError,
  MisuseError,
  NonRetryableError,
  type Schema,
  type TokenHolder,
  UnavailableError,
} from '@holdfast/kernel';
export type { NodeSource } from '@holdfast/redis';
export type { Added } from './adding.js';
export type { BatchHandler, BatchOptions } from './batches.js';
export type { Change, ChangeOutcome, Due } from './changing.js';
export type { KeptLimits } from './changing-limits.js';
export {
  QueueFullError,
  ResultNotKeptError,
  TaskCancelledError,
  TaskFailedError,
  TaskGoneError,
  TaskTimeoutError,
  UnknownKindError,
} from './errors.js';
export type { Announced, QueueEvent } from './events.js';
export type { FanIn, FanInInfo, FollowUp } from './fan-in.js';
export type { BreakerState, Counts, LogLine, TaskInfo, TaskState } from './inspection.js';
export { type AnyKind, defineKind, type KeptResult, type Kind, type TasksOfKind } from './kinds.js';
export type { Breaker, Limits, Rate } from './limits.js';
export { metricsText, observeQueues } from './observe.js';
export {
  type AddedToPartition,
  createPartitionedQueue,
  type PartitionedQueue,
  type PartitionedQueueOptions,
} from './partitioned.js';
export { createQueue, type EventsOptions, type Queue } from './queue.js';
export type { QueueOptions } from './queue-options.js';
export { type ListQueuesOptions, listQueues } from './registry.js';
export type { RequeueAllOptions } from './requeueing.js';
export type { TaskOutcome } from './results.js';
export type { Schedule, ScheduleInfo } from './schedule.js';
export type { Deferral, Task, TaskHandler } from './task.js';
export type { AddOptions, Failure } from './task-options.js';
export type { QueueMessage } from './telemetry.js';
export type { ThreadOptions, ThreadTask } from './threads.js';
export type { Totals } from './totals.js';
export { createWorker, type Worker, type WorkerOptions } from './worker.js';
