/**
 * @holdfast/workflow: durable runs of plain async functions on Redis. The main path: `defineWorkflow` (define.ts),
 * `createWorkflows` (client/workflows.ts), whose worker (worker/worker.ts) runs the functions over their journals
 * (machine/machine.ts).
 */
export { StaleTokenError } from '@holdfast/fence';
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
export type { Demand } from './client/demand.js';
export type { EventsOptions, WorkflowEvent } from './client/events.js';
export type { Many, ManyOptions, PageOptions, RunFilter, RunInfo, RunPage } from './client/inspect.js';
export { metricsText, observeWorkflows } from './client/observe.js';
export { type OpenedWorkflows, type OpenOptions, openWorkflows } from './client/open.js';
export type { WorkflowsOptions } from './client/options.js';
export type { OnOptions, Published, PublishedEvent } from './client/publishing.js';
export type { AskOptions, ForkOptions, RetryOptions, Run, StreamOptions } from './client/run.js';
export type { Schedule, ScheduleInfo } from './client/schedules.js';
export type { RunOptions, StartOptions } from './client/start-options.js';
export type { RunStatus } from './client/status.js';
export type { StreamItem } from './client/stream-readers.js';
export {
  createWorkflows,
  type GetOptions,
  type WorkflowOrName,
  type Workflows,
} from './client/workflows.js';
export {
  defineWorkflow,
  type MessageSchemas,
  type Workflow,
  type WorkflowFunction,
  type WorkflowOptions,
} from './define.js';
export {
  LongJournalError,
  NondeterminismError,
  RunCancelledError,
  RunFailedError,
  RunGoneError,
  RunStuckError,
  RunsFullError,
  StepFailedError,
  UnansweredError,
  UnknownOutcomeError,
} from './errors.js';
export type { JournalRecord, KeptError, Outcome } from './journal/record.js';
export { type WaterfallRow, waterfallOf } from './journal/waterfall.js';
export type { Limits } from './limits.js';
export type { ChildOptions } from './machine/child.js';
export type { Approval } from './machine/published.js';
export type { ReceivedMessage } from './machine/received.js';
export type {
  Approved,
  ApproveOptions,
  Branch,
  Pass,
  ScopeBody,
  TaskOptions,
  WorkflowContext,
} from './machine/workflow-context.js';
export type {
  OnceOptions,
  Step,
  StepBody,
  StepOptions,
  Undo,
  Undone,
  UndoOptions,
} from './step/options.js';
export type { StepStream } from './step/stream-writer.js';
export type { RunCounts, RunState } from './store/run-store.js';
export { type ReplyToOptions, replyTo, type TaskQueue, type TaskReply } from './task.js';
export type { WorkflowMessage } from './telemetry.js';
export type { Archive, ArchivedRun } from './worker/archiver.js';
export type { WorkerOptions } from './worker/options.js';
export type { Worker } from './worker/worker-group.js';
