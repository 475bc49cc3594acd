/**
 * @holdfast/features: a feature store on Redis, defined once for ingest, serving and training. So far: its errors, and
 * the options of a store.
 */
export { HoldfastError, MisuseError, type Schema, type TokenHolder } from '@holdfast/kernel';
export { DefinitionMismatchError, type Difference, RowError } from './errors.js';
export { type FeaturesSettings, readFeaturesOptions, type StoreOptions } from './options.js';
