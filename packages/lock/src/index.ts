/**
 * @holdfast/lock: leases over a quorum of independent Redis nodes, with fencing tokens issued by the quorum itself.
 *
 * The main path: `createLocks` (locks.ts) -> `acquireLease` (acquire.ts), which proposes a token to all nodes in one
 * round (round.ts), counts their votes (votes.ts) and returns a lease (lease.ts). What a node does is in lua/.
 */
export {
  AbortedError,
  BusyError,
  HoldfastError,
  LeaseLostError,
  MisuseError,
  UnavailableError,
} from '@holdfast/kernel';
export type { NodeSource } from '@holdfast/redis';
export type { NodeChange } from './change.js';
export { Deployment, type DeploymentOptions } from './deployment.js';
export type { Election, ElectionOptions, Leader, ObserveOptions } from './election.js';
export type { InitializedNode } from './initialize.js';
export type { LockState, NodeState } from './inspect.js';
export type { Lease } from './lease.js';
export type { AcquireOptions, TryOptions } from './leasing.js';
export type { ListedLock, ListOptions, LockList } from './list.js';
export { createLocks, type Locks, type LocksOptions } from './locks.js';
export { isOwnerFor } from './owner.js';
export { type NodesState, restartIn } from './restarts.js';
export type { Semaphore, SemaphoreOptions, SemaphoreState } from './semaphore.js';
export type { MultiLease } from './several.js';
export type { LeaseKind, LockMessage } from './telemetry.js';
