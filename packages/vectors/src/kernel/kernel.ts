/**
 * What computes on the memory of an index: in WebAssembly with SIMD, or, where an engine has none, in plain TypeScript, which
 * the tests hold the former against.
 */

/** Addresses are bytes from the beginning of the memory; see assembly/ for each. */
export interface Kernel {
  attach(header: number): void;
  rotate(vector: number): void;
  scaleOf(vector: number): number;
  toInt16(vector: number, out: number, scale: number): void;
  nearest(point: number, unit: number): number;
  accumulate(points: number, scales: number, n: number, sums: number): void;
  setCentroid(list: number, vector: number): void;
  encode(vector: number, list: number, slot: number): void;
  clear(slot: number): void;
  scratchBytes(lists: number): number;
  bound(least: number): void;
  search(scratch: number, k: number, lists: number, masks: number): number;
  exact(scratch: number, k: number, slots: number, n: number): number;
  readonly scanned: { readonly value: number };
  readonly scored: { readonly value: number };
}
