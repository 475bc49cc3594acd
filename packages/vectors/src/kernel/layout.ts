/**
 * Where things lie in the memory of an index: the header that the kernels read (assembly/layout.ts), and the offsets of
 * what a lane has. Both sides are compared by a test through the kernels themselves.
 */

export const METRICS = ['cosine', 'ip', 'l2'] as const;

/** `cosine` of the angle; inner product; `l2`, the distance, whose score is minus half of its square. */
export type Metric = (typeof METRICS)[number];

export const LANES = 32;
export const NONE = 0xffffffff;

/** Most results of a search. */
export const MOST = 4_096;

/** The least score that a search asks for when it asks for none: that of 32 bits furthest down. */
export const LOWEST = -3.4028234663852886e38;

/** What the header names, in its order. All but the scale are addresses or whole numbers. */
export interface Header {
  readonly dimensions: number;
  readonly lists: number;
  readonly metric: number;
  /** Of two: blocks of an extent. */
  readonly shift: number;
  readonly extents: number;
  readonly centroids16: number;
  readonly centroids: number;
  readonly squares: number;
  readonly centroidScale: number;
  readonly heads: number;
  readonly lengths: number;
  readonly signs: number;
}

export const HEADER = 65_536;
export const HEADER_BYTES = 4_096;

export function writeHeader(view: DataView, header: Header): void {
  Object.entries(header).forEach(([name, value], at) => {
    if (name === 'centroidScale') view.setFloat32(HEADER + 4 * at, value, true);
    else view.setUint32(HEADER + 4 * at, value, true);
  });
}

/** Where the numbers of a lane lie behind the codes of its block, in bytes. */
export const NUMBERS = { factor: 0, base: 128, scale: 256, share: 384, entry: 512 } as const;

/** Sizes and offsets that follow from the number of dimensions. */
export interface Shape {
  readonly dimensions: number;
  readonly shift: number;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly rows: number;
  readonly next: number;
  readonly list: number;
  readonly extentBytes: number;
}

/** An extent has as many blocks, a power of two, as 16 MiB hold, and 1,024 at most. */
export function shapeOf(dimensions: number): Shape {
  const blockBytes = 4 * dimensions + 640;
  const each = blockBytes + LANES * dimensions + 8;
  let shift = 0;
  while (shift < 10 && each * 2 ** (shift + 1) <= 16 * 2 ** 20) shift += 1;
  const blocks = 2 ** shift;
  const rows = blocks * blockBytes;
  const next = rows + blocks * LANES * dimensions;
  const list = next + 4 * blocks;
  return { dimensions, shift, blocks, blockBytes, rows, next, list, extentBytes: list + 4 * blocks };
}
