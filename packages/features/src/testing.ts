/**
 * @holdfast/features/testing: rows as bytes, and the log as files, for the benchmarks and simulations of this repository. Programs do not need
 * it.
 */
export { describe } from './definition/stored.js';
export { rowsOf } from './offline/log-entries.js';
export { writeLogFile } from './offline/log-files.js';
export { RowReader } from './row/decode.js';
export { RowEncoder } from './row/encode.js';
export { unpackRows } from './row/pack.js';
