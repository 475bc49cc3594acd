/**
 * @holdfast/vectors: semantic search in the memory of the process that asks. `createIndex` is an index in Redis that every
 * process follows; `createLocalIndex` is the index alone: vectors of near meaning lie together in lists, a search looks at
 * the codes of the nearest lists, and scores what may be near.
 */
import { Core } from './index/core.js';
import { LocalIndex } from './index/local-index.js';
import { NamedIndex, type NamedOptions, namesOf } from './index/named-index.js';
import type { LocalIndexOptions } from './options.js';
import type { ShardedIndexOptions } from './shard/options.js';
import { ShardedIndex } from './shard/sharded-index.js';

export type { Schema } from './attributes/columns.js';
export type { Box, Circle, Position } from './attributes/position.js';
export type { FacetValue } from './attributes/selection.js';
export type { EmbedDocuments, Source } from './embed/contents.js';
export type { Embedded, EmbeddingDelivery, EmbeddingQueue, EmbeddingTask } from './embed/tasks.js';
export { PlaceLostError, SnapshotError, type SnapshotReason } from './errors.js';
export type { SnapshotOptions } from './follow/snapshots.js';
export type { Cut, Filled, GenerationBuilder } from './generations/builder.js';
export type { Generation } from './generations/generations.js';
export type { BeginOptions, CutOptions, FillOptions } from './generations/options.js';
export * from './hybrid/hybrid.js';
export type { Calibration } from './index/calibrate.js';
export type { Hit } from './index/finding.js';
export type { IndexStats, LocalIndex, Namespace } from './index/local-index.js';
export type { Vector } from './index/metric.js';
export type { NamedIndex, NamedNamespace, NamedOptions, NamedVectors } from './index/named-index.js';
export type { Metric } from './kernel/layout.js';
export * from './keywords/keywords.js';
export type { IndexNamespace } from './namespace.js';
export { type CheckOptions, type CheckReport, checkRecall } from './operate/check.js';
export type { ExportedDocument } from './operate/export.js';
export type { IndexHealth } from './operate/health.js';
export { metricsText, observeIndexes } from './operate/observe.js';
export {
  findIndex,
  type IndexInfo,
  type ListIndexesOptions,
  listIndexes,
  type OpenIndexOptions,
  openIndex,
} from './operate/open-index.js';
export type { LocalIndexOptions, SearchOptions, TrainOptions } from './options.js';
export type { Facets } from './query/browse.js';
export type { Filter, GeoCondition, NumberCondition, TagCondition } from './query/filter.js';
export type {
  Deleted,
  FoundDocument,
  FoundSnippet,
  Results,
  Scrolled,
  StoredDocument,
} from './query/results.js';
export type { Peers, ShardedFindOptions, ShardedIndexOptions } from './shard/options.js';
export type { ShardedIndex, ShardedResults } from './shard/sharded-index.js';
export type { VectorsMessage } from './telemetry.js';
export type { Attributes } from './truth/record.js';
export {
  createIndex,
  type VectorIndex,
} from './vector-index.js';
export type {
  DeleteOptions,
  EmbeddingCacheOptions,
  ExportOptions,
  FindOptions,
  GetOptions,
  KeywordsOptions,
  PatchOptions,
  PutOptions,
  ScrollOptions,
  SeenOptions,
  SelectOptions,
  TermsOptions,
  VectorIndexOptions,
  VectorsOptions,
} from './vector-index-options.js';
export type { Document } from './write/document.js';
export type { Patched, Written } from './write/writer.js';

/** An index without vectors. Throws MisuseError. */
export function createLocalIndex(options: LocalIndexOptions): LocalIndex {
  return new LocalIndex(options);
}

/**
 * The index of a snapshot, with the same answers. Of the options `dimensions`, `metric` and `originals` have to be those of the
 * index that was snapshotted. Throws SnapshotError for what is no such snapshot or is damaged, MisuseError, and UnavailableError when
 * the vectors need more than `memory`.
 */
export function restoreLocalIndex(snapshot: Uint8Array, options: LocalIndexOptions): Promise<LocalIndex> {
  return LocalIndex.restore(snapshot, options);
}

/** An index of documents that have several vectors: the options of each, by its name. Throws MisuseError. */
export function createNamedIndex<Name extends string>(options: NamedOptions<Name>): NamedIndex<Name> {
  return new NamedIndex(new Map(namesOf(options).map((name) => [name, new Core(options[name])])));
}

/** The index of the snapshots of all names. Throws as `restoreLocalIndex`, and MisuseError if that of a name is missing. */
export async function restoreNamedIndex<Name extends string>(
  snapshots: Readonly<Record<Name, Uint8Array>>,
  options: NamedOptions<Name>,
): Promise<NamedIndex<Name>> {
  const cores = namesOf(options).map(
    async (name) => [name, await Core.restore(snapshots?.[name], options[name])] as const,
  );
  return new NamedIndex(new Map(await Promise.all(cores)));
}

/** An index in Redis whose documents are spread over several, not connected yet. Throws MisuseError. */
export function createShardedIndex(options: ShardedIndexOptions): ShardedIndex {
  return new ShardedIndex(options);
}
export type { VectorIndexStats } from './operate/stats.js';
