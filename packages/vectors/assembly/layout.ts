/**
 * Where an index lies in memory, read from its header, which src/kernel/layout.ts writes. All kernels stand on it.
 *
 * A block holds the codes of 32 vectors of one list, its lanes: for each group of four dimensions 16 bytes, in which byte
 * j has the signs of lane (j >> 1) + 8 (j & 1) in its low half, and those of that lane + 16 in its high half; then five
 * numbers for each lane (FACTOR to SHARE, then the entry that it belongs to). Blocks lie in extents of equal size: first the blocks, then the rows of their
 * lanes, then for each block the next one of its list, then its list.
 */

/** Dimensions, a multiple of 32. */
export let D: i32 = 0;
/** Groups of four dimensions. */
export let G: i32 = 0;
/** Lists. */
export let K: i32 = 0;
/** 0 cosine, 1 inner product, 2 squared distance. */
export let metric: i32 = 0;
/** Bytes of the codes and numbers of a block. */
export let blockBytes: usize = 0;
/** i16 centroids, four of them interleaved by lines of 2 D bytes; f32 centroids; their squared lengths. */
export let centroids16: usize = 0;
export let centroids: usize = 0;
export let squares: usize = 0;
/** Units of the i16 centroids in one of the f32. */
export let centroidScale: f32 = 1;
/** First block of each list, or NONE. */
export let heads: usize = 0;
/** Largest length of a vector of each list, for inner products. */
export let lengths: usize = 0;
/** Four rounds of D signs. */
export let signs: usize = 0;

let extents: usize = 0;
let shift: u32 = 0;
let within: u32 = 0;
let rowsOffset: usize = 0;
let nextOffset: usize = 0;
let listOffset: usize = 0;

export const NONE: u32 = 0xffffffff;
/** Offsets of the numbers of a lane, behind the codes: each is 32 numbers of four bytes. */
export const FACTOR: usize = 0;
export const BASE: usize = 128;
export const SCALE: usize = 256;
/** Added to the score of a row; for inner products the length that the score is multiplied by. */
export const SHARE: usize = 384;

/** Reads the header again: after it was written, and after anything that it names has moved. */
export function attach(header: usize): void {
  D = load<i32>(header);
  G = D >> 2;
  K = load<i32>(header, 4);
  metric = load<i32>(header, 8);
  shift = load<u32>(header, 12);
  extents = load<u32>(header, 16);
  centroids16 = load<u32>(header, 20);
  centroids = load<u32>(header, 24);
  squares = load<u32>(header, 28);
  centroidScale = load<f32>(header, 32);
  heads = load<u32>(header, 36);
  lengths = load<u32>(header, 40);
  signs = load<u32>(header, 44);
  blockBytes = <usize>(4 * D + 640);
  const blocks = <usize>1 << shift;
  within = (1 << shift) - 1;
  rowsOffset = blocks * blockBytes;
  nextOffset = rowsOffset + blocks * 32 * <usize>D;
  listOffset = nextOffset + blocks * 4;
}

// @ts-expect-error: decorator
@inline
function extentOf(block: u32): usize {
  return load<u32>(extents + (<usize>(block >> shift) << 2));
}

// @ts-expect-error: decorator
@inline
export function blockAt(block: u32): usize {
  return extentOf(block) + <usize>(block & within) * blockBytes;
}

// @ts-expect-error: decorator
@inline
export function rowAt(slot: u32): usize {
  const block = slot >> 5;
  return extentOf(block) + rowsOffset + <usize>(((block & within) << 5) | (slot & 31)) * <usize>D;
}

// @ts-expect-error: decorator
@inline
export function nextOf(block: u32): u32 {
  return load<u32>(extentOf(block) + nextOffset + (<usize>(block & within) << 2));
}

// @ts-expect-error: decorator
@inline
export function listOf(block: u32): u32 {
  return load<u32>(extentOf(block) + listOffset + (<usize>(block & within) << 2));
}
