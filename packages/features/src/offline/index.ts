/**
 * @holdfast/features/offline: training sets out of Parquet files of accepted rows, and drift. A training set needs
 * `@duckdb/node-api`, which the program brings.
 */
export { type AuditOptions, type AuditReport, audit, type LoggedRead } from './audit.js';
export type { FeatureBaseline, FeatureDrift, Spread, Verdict } from './baseline.js';
export type { CompactOptions, CompactReport } from './compact.js';
export {
  type KolmogorovSmirnov,
  kolmogorovSmirnov,
  type Profile,
  populationStability,
  profileOf,
} from './drift.js';
export type { DuckDb } from './duckdb.js';
export type { Exporter, ExporterOptions, ExportReport } from './exporter.js';
export type { Join } from './joins.sql.js';
export {
  type Baseline,
  type BaselineOptions,
  type Drift,
  type DriftOptions,
  driftOf,
  dropBaseline,
  keepBaseline,
} from './live-drift.js';
export { type ExportedRows, exportedRows } from './manifest.js';
export {
  type TrainingReport,
  type TrainingSetOptions,
  trainingSet,
  type ViewFiles,
} from './training.js';
