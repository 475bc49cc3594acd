/**
 * @holdfast/features: a feature store on Redis, defined once for ingest, serving and training. The main path:
 * `createFeatures` with the definitions, `apply()`, `open` a lane under a lease and `land` rows, `get` what a service serves.
 */
export { HoldfastError, MisuseError, type Schema, type TokenHolder } from '@holdfast/kernel';
export type { On, Over, WindowType } from './definition/aggregates.js';
export { type Entity, entity, global, type Id, type Ids } from './definition/entity.js';
export { type FlagsOptions, type FlagsView, flags } from './definition/flags.js';
export {
  type Answer,
  type CacheOptions,
  type Derived,
  type EntityIds,
  type Row,
  type Service,
  type ServiceOptions,
  service,
  type Views,
} from './definition/service.js';
export { type FeatureType, type Fields, type Served, t, type Values } from './definition/types.js';
export { type CommonOptions, type RowView, type View, type ViewOptions, view } from './definition/view.js';
export { type WindowFields, type WindowsOptions, type WindowsView, windows } from './definition/windows.js';
export {
  DefinitionMismatchError,
  type Difference,
  GenerationEndedError,
  IncompleteError,
  RowError,
  SourceError,
  SourceLostError,
} from './errors.js';
export {
  createFeatures,
  type Features,
  type FeaturesOptions,
  type OpenFeaturesOptions,
  openFeatures,
} from './features.js';
export type { LaneFates } from './generation/cut.js';
export type { LaneFate } from './generation/gate.js';
export type {
  BeginOptions,
  CutOptions,
  CutTogetherOptions,
  Generation,
  Readiness,
  ReadyOptions,
  RetireOptions,
} from './generation/generation.js';
export type { GenerationInfo } from './generation/info.js';
export type { Pin, PinOptions } from './generation/pins.js';
export type { RollbackOptions, RolledBack } from './generation/rollback.js';
export type { CopiedRow, Copy, CopyOptions, CopyStats } from './lane/copy.js';
export type { FlagRow } from './lane/flag-row.js';
export type { FollowedPartition, Follower, StopOptions } from './lane/follow.js';
export type { FollowLaneOptions, FollowStats } from './lane/following.js';
export type {
  Landing,
  Lane,
  LaneStats,
  ParseRecord,
  RowOutcome,
} from './lane/lane.js';
export type { LaneOpenOptions, RowLaneOpenOptions } from './lane/open.js';
export type { LaneHolder } from './lane/ownership.js';
export type { Hold } from './lane/parts.js';
export type { LaneRow } from './lane/row.js';
export type { ParseEvent, WindowsLane, WindowsStats } from './lane/windows-lane.js';
export { metricsText, observeFeatures } from './observe.js';
export type { EraseOptions, ErasureReport } from './offline/erase.js';
export type { StoreOptions } from './options.js';
export type { GetOptions, ReadRow } from './read/reads.js';
export type { ReplicaOptions } from './read/replicas.js';
export type { AnswerWithMeta, ReadPlace, ViewMeta } from './read/service.js';
export type { FeatureVector, VectorOptions } from './read/vector.js';
export type { NullReason } from './read/view-reader.js';
export { type IterableOptions, iterable } from './source/iterable.js';
export {
  type KafkaAdmin,
  type KafkaConsumer,
  type KafkaMessage,
  type KafkaOptions,
  kafka,
} from './source/kafka.js';
export { type RedisStreamOptions, redisStream } from './source/redis-stream.js';
export type { Extent, Offset, Source, SourceBatch, SourceRecord } from './source/source.js';
export type { DeadLetter, DeadLettersOptions } from './store/dead-letters.js';
export type { Applied, AppliedService, AppliedView, ServiceVersion } from './store/definitions.js';
export type { StoreHealth, ViewHealth } from './store/health.js';
export type { LaneInfo, LaneSource, LanesOptions } from './store/lane-info.js';
export { type ListStoresOptions, listStores } from './store/list.js';
export type { GenerationStats, RefusedRows, StoreStats, ViewStats } from './store/stats.js';
export type { FeaturesMessage } from './telemetry.js';
