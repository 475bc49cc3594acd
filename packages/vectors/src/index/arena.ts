/**
 * Addresses in one `WebAssembly.Memory` that grows.
 *
 * Guarantees: what has an address keeps it. Throws an `UnavailableError` when the memory may not grow further; nothing has
 * changed then.
 */
import { UnavailableError } from '@holdfast/kernel';
import { HEADER, HEADER_BYTES } from '../kernel/layout.js';
import { type Memory, WebAssembly } from '../kernel/web-assembly.js';

const PAGE = 65_536;

export class Arena {
  readonly memory: Memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
  readonly #limit: number;
  /** Called after the memory has grown: views of it that others have are of a part only. */
  readonly #grown: () => void;
  #used = HEADER + HEADER_BYTES;
  bytes = new Uint8Array(this.memory.buffer);
  words = new Uint32Array(this.memory.buffer);
  floats = new Float32Array(this.memory.buffer);

  constructor(limit: number, grown: () => void) {
    this.#limit = limit;
    this.#grown = grown;
  }

  get used(): number {
    return this.#used;
  }

  /** An address, a multiple of 64, of so many bytes, which are zero. */
  take(bytes: number): number {
    const at = Math.ceil(this.#used / 64) * 64;
    const end = at + bytes;
    if (end > this.#limit) {
      throw new UnavailableError(
        `The index may have ${this.#limit} bytes of memory, and would need more: raise "memory", or delete vectors.`,
        [],
      );
    }
    const missing = Math.ceil(end / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (missing > 0) {
      this.memory.grow(missing);
      this.bytes = new Uint8Array(this.memory.buffer);
      this.words = new Uint32Array(this.memory.buffer);
      this.floats = new Float32Array(this.memory.buffer);
      this.#grown();
    }
    this.#used = end;
    return at;
  }
}
