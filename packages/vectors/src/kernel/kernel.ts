/**
 * The kernels of an index over its memory: in WebAssembly with SIMD, or, where an engine has none, in plain TypeScript,
 * which the tests hold the former against. Both read the header again on `attach`.
 */
import { PlainKernel } from './plain.js';
import { WASM } from './wasm.js';
import { type Memory, WebAssembly } from './web-assembly.js';

/** Addresses are bytes from the beginning of the memory; see assembly/ for each. */
export interface Kernel {
  attach(header: number): void;
  rotate(vector: number): void;
  scaleOf(vector: number): number;
  toInt16(vector: number, out: number, scale: number): void;
  nearest(point: number, unit: number): number;
  accumulate(points: number, scales: number, n: number, sums: number, counts: number): void;
  setCentroid(list: number, vector: number): void;
  encode(
    vector: number,
    list: number,
    slot: number,
    entry: number,
    length: number,
    spare: number,
  ): void;
  clear(slot: number): void;
  scratchBytes(lists: number): number;
  search(scratch: number, k: number, lists: number, masks: number, matching: number): number;
  exact(scratch: number, k: number, slots: number, n: number): number;
  readonly scanned: { readonly value: number };
  readonly scored: { readonly value: number };
}

let module: object | undefined;

/** The kernels over a shared memory. `plain` asks for those in TypeScript. */
export function kernelOver(memory: Memory, plain = false): Kernel {
  const bytes = plain ? undefined : Buffer.from(WASM, 'base64');
  if (bytes === undefined || !WebAssembly.validate(bytes)) return new PlainKernel(memory);
  module ??= new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Kernel;
}
