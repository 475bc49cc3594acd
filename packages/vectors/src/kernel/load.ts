/** The kernels over a memory: in WebAssembly, compiled once for the process, or in TypeScript. */
import type { Kernel } from './kernel.js';
import { PlainKernel } from './plain.js';
import { WASM } from './wasm.js';
import { type Memory, WebAssembly } from './web-assembly.js';

let module: object | undefined;

/** Undefined where the engine has no SIMD. */
export function compiledKernels(): object | undefined {
  const bytes = Buffer.from(WASM, 'base64');
  if (module === undefined && WebAssembly.validate(bytes)) module = new WebAssembly.Module(bytes);
  return module;
}

/** The kernels over a shared memory. `plain` asks for those in TypeScript. */
export function kernelOver(memory: Memory, plain = false): Kernel {
  const compiled = plain ? undefined : compiledKernels();
  if (compiled === undefined) return new PlainKernel(memory);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Kernel;
}
