/**
 * @holdfast/features/testing: rows as bytes, for the benchmarks and simulations of this repository. Programs do not need
 * it.
 */
export { describe } from './definition/stored.js';
export { RowReader } from './row/decode.js';
export { RowEncoder } from './row/encode.js';
