/**
 * @holdfast/redis: the port from Holdfast to Redis. The main path: `connect` a node source to a `Connection`, stand a
 * `RedisNode` on it, `submit` operations of a `Verb`; what starts in one turn of the event loop leaves as one script
 * call. Applications meet this package through @holdfast/lock and @holdfast/fence.
 */
export { type Address, parseAddress, replicasOf, type Via, withoutCredentials } from './address.js';
export {
  type AnyCallVerb,
  type BinaryCallVerb,
  type Call,
  type CallCommand,
  Caller,
  type CallVerb,
  type Instead,
} from './caller.js';
export { connect, type NodeSource } from './connect.js';
export {
  type Argument,
  type BinaryReply,
  type Connection,
  isRefusal,
  type Listener,
  type Reply,
  reasonOf,
} from './connection.js';
export { Deadlines, Timed } from './deadlines.js';
export { addEffect, type Command } from './effects.js';
export { confirmEpoch } from './epochs.js';
export { follow } from './follow.js';
export type { BinaryCommand, BinaryVerb, Operation, Verb } from './group-commit.js';
export { Health, type Report, reportTo } from './health.js';
export type { IoredisClient } from './ioredis.js';
export type { Keyspace } from './keyspace.js';
export { RedisNode, type RedisNodeOptions, type ServerInfo } from './node.js';
export type { NodeRedisClient } from './node-redis.js';
export { type Numbered, NumberedCalls } from './numbered-calls.js';
export { partitionOf } from './partition.js';
export { adviceFor, FORBIDDEN_ADVICE, isForbidden, isRefused, MissingRightsError } from './refusals.js';
export type { ReplicasOptions } from './replicas.js';
export {
  firstTick,
  SCHEDULE_TIMES,
  type ScheduleSpan,
  type ScheduleTimes,
  tickAfter,
  ticksOf,
} from './schedule.js';
export { evaluate, Script, ScriptLibrary, SERVER_VARIABLES, scriptFrom } from './script.js';
export { type LeaseCalls, Session, type SessionEnd } from './session.js';
export { SharedCall } from './shared-call.js';
export { useNode } from './shared-node.js';
export { type ListSource, SharedReaders, type WaitPlace } from './shared-readers.js';
export { sendOver } from './shared-wait.js';
export { compareIds, type StreamEntry, StreamReader, type StreamSource } from './stream-reader.js';
