/** The kernels over a memory: in WebAssembly, compiled once for the process, or in TypeScript. */
import type { Kernel } from './kernel.js';
import { PlainKernel } from './plain.js';
import { WASM } from './wasm.js';
import { type Memory, WebAssembly } from './web-assembly.js';

let module: object | undefined;

/** The kernels over a shared memory. `plain` asks for those in TypeScript. */
export function kernelOver(memory: Memory, plain = false): Kernel {
  const bytes = plain ? undefined : Buffer.from(WASM, 'base64');
  if (bytes === undefined || !WebAssembly.validate(bytes)) return new PlainKernel(memory);
  module ??= new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Kernel;
}
