/** What is used of WebAssembly, whose types belong to the DOM's library. */

export interface Memory {
  readonly buffer: SharedArrayBuffer;
  /** By so many pages of 64 KiB. */
  grow(pages: number): number;
}

interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: Memory } }) => { readonly exports: unknown };
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => Memory;
}

export const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
