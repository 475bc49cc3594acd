/**
 * @holdfast/fence/object-store: the guard for objects in S3, or in a directory. The main path: `createObjectGuard`
 * over `s3Store` or `directoryStore`, then `seal`, `read`, `write`.
 */
export {
  type ConformanceCheck,
  type ConformanceOptions,
  type ConformanceReport,
  conformance,
} from './conformance.js';
export { type DirectoryStoreOptions, directoryStore } from './directory.js';
export { createObjectGuard, type ObjectGuard, type ObjectGuardOptions, type SealedObject } from './guard.js';
export { type S3ClientLike, type S3StoreOptions, s3Store } from './s3.js';
export type { ObjectStore } from './store.js';
export type { ObjectContent, ObjectWrite } from './write.js';
