/**
 * Named parts of bytes, with a header, a version and a checksum: what a snapshot of an index is written in.
 *
 * Four letters, the version and the length of the header in four bytes each, the header in JSON, which says where each part
 * begins, the parts, and 32 bytes of SHA-256 of all that. Numbers are little-endian.
 *
 * Guarantees: what was cut off, changed, or is something else is refused with a SnapshotError.
 */
import { createHash } from 'node:crypto';
import { type Clock, display, messageOf } from '@holdfast/kernel';
import { SnapshotError } from '../errors.js';
import { Slices } from './slices.js';

const MAGIC = 0x49564648; // HFVI
const VERSION = 1;
const PREFIX = 12;
const SUM = 32;
const ALIGN = 64;
/** Bytes that are summed up at a time. */
const PIECE = 2 ** 20;

type Part = { readonly at: number; readonly bytes: number };

/** One after the other in the bytes; `length` is known before. */
export interface Source {
  readonly name: string;
  readonly bytes: number;
  write(out: Uint8Array): void;
}

/** A part that lies in memory already. */
export const copied = (name: string, values: ArrayBufferView): Source => ({
  name,
  bytes: values.byteLength,
  write: (out) => out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
});

/** Everything but the checksum, at once, so that it is of one moment. */
export function join(header: object, sources: readonly Source[]): Uint8Array {
  let at = 0;
  const parts: Record<string, Part> = {};
  for (const { name, bytes } of sources) {
    parts[name] = { at, bytes };
    at = aligned(at + bytes);
  }
  const text = Buffer.from(JSON.stringify({ ...header, parts }));
  const from = aligned(PREFIX + text.length);
  const all = new Uint8Array(from + at + SUM);
  const view = new DataView(all.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, text.length, true);
  all.set(text, PREFIX);
  for (const source of sources) {
    const begin = from + parts[source.name]!.at;
    source.write(all.subarray(begin, begin + source.bytes));
  }
  return all;
}

/** Adds the checksum, in slices. */
export async function seal(all: Uint8Array, clock: Clock): Promise<Uint8Array> {
  all.set(await sumOf(all.subarray(0, -SUM), clock), all.length - SUM);
  return all;
}

export class Sections {
  readonly header: Readonly<Record<string, unknown>>;
  readonly #bytes: Uint8Array;
  readonly #from: number;

  private constructor(bytes: Uint8Array, from: number, header: Record<string, unknown>) {
    this.#bytes = bytes;
    this.#from = from;
    this.header = header;
  }

  /** Throws SnapshotError. */
  static async open(bytes: Uint8Array, clock: Clock): Promise<Sections> {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < PREFIX + SUM || view.getUint32(0, true) !== MAGIC) {
      throw new SnapshotError(
        'foreign',
        `these ${bytes.length} bytes are no snapshot of an index of vectors`,
      );
    }
    const version = view.getUint32(4, true);
    if (version !== VERSION) {
      throw new SnapshotError('version', `its layout is ${version}, and this version knows ${VERSION}`);
    }
    const sum = await sumOf(bytes.subarray(0, -SUM), clock);
    if (!sum.equals(bytes.subarray(-SUM))) {
      throw new SnapshotError('corrupt', 'its bytes are not those that were written, or not all of them');
    }
    const length = view.getUint32(8, true);
    try {
      const text = Buffer.from(bytes.subarray(PREFIX, PREFIX + length)).toString();
      return new Sections(bytes, aligned(PREFIX + length), JSON.parse(text));
    } catch (error) {
      throw new SnapshotError('corrupt', `its header cannot be read (${messageOf(error)})`, { cause: error });
    }
  }

  /** A part that has so many bytes. Throws SnapshotError. */
  view(name: string, size: number): Uint8Array {
    const part = this.#parts?.[name];
    if (part?.bytes !== size || this.#from + part.at + size > this.#bytes.length - SUM) {
      throw new SnapshotError('corrupt', `its part "${name}" has ${display(part?.bytes)} bytes, not ${size}`);
    }
    const at = this.#from + part.at;
    return this.#bytes.subarray(at, at + size);
  }

  /** The same as a copy, for numbers of any size. */
  copy(name: string, size: number): ArrayBuffer {
    const copy = new Uint8Array(size);
    copy.set(this.view(name, size));
    return copy.buffer;
  }

  /** How many bytes a part has; 0 if there is none. */
  sizeOf(name: string): number {
    return this.#parts?.[name]?.bytes ?? 0;
  }

  /** A whole number of the header. Throws SnapshotError. */
  whole(name: string): number {
    const value = this.header[name];
    if (Number.isInteger(value) && Number(value) >= 0) return Number(value);
    throw new SnapshotError('corrupt', `"${name}" of its header is ${display(value)}`);
  }

  get #parts(): Record<string, Part> | undefined {
    return this.header['parts'] as Record<string, Part> | undefined;
  }
}

async function sumOf(bytes: Uint8Array, clock: Clock): Promise<Buffer> {
  const hash = createHash('sha256');
  const slices = new Slices(clock);
  for (let at = 0; at < bytes.length; at += PIECE) {
    hash.update(bytes.subarray(at, at + PIECE));
    await slices.next();
  }
  return hash.digest();
}

function aligned(at: number): number {
  return Math.ceil(at / ALIGN) * ALIGN;
}
