/**
 * @holdfast/features: a feature store on Redis, defined once for ingest, serving and training. So far: definitions of
 * entities, views, windows, flags and services, with the errors and the options of a store.
 */
export { HoldfastError, MisuseError, type Schema, type TokenHolder } from '@holdfast/kernel';
export type { On, Over, WindowType } from './definition/aggregates.js';
export { type Entity, entity, global, type Id, type Ids } from './definition/entity.js';
export { type FlagsOptions, type FlagsView, flags } from './definition/flags.js';
export {
  type Answer,
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
export { DefinitionMismatchError, type Difference, RowError } from './errors.js';
export { type FeaturesSettings, readFeaturesOptions, type StoreOptions } from './options.js';
