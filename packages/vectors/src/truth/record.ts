/**
 * Documents and vectors as bytes, as they lie in Redis.
 *
 * A document is a head of 64 bytes, which lua/document.lua writes, and its attributes as JSON. Vectors are 16 bytes that name
 * what they were made of, how many there are (u32), and their numbers (f32); all little-endian.
 *
 * Guarantees: bytes that are not such a document or such vectors read as undefined, and never as something else.
 */
import { createHash } from 'node:crypto';
import type { Vector } from '../index/metric.js';

const HEAD = 64;
const VECTORS_HEAD = 20;
const LAYOUT = 1;

/** Attributes of a document: JSON. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface StoredDocument {
  readonly sequence: number;
  readonly isDeletion: boolean;
  /** In ms since the epoch of time; 0 for never. */
  readonly expiry: number;
  /** What its vectors are made of. */
  readonly digest: Buffer;
  /** When it was true, in ms. */
  readonly time: number;
  readonly body: Buffer;
}

export function readDocument(bytes: Buffer): StoredDocument | undefined {
  if (bytes.length < HEAD || bytes.readUInt8(0) !== LAYOUT) return undefined;
  if (bytes.length !== HEAD + bytes.readUInt32LE(4)) return undefined;
  return {
    isDeletion: bytes.readUInt8(1) === 1,
    time: bytes.readDoubleLE(8),
    sequence: bytes.readDoubleLE(24),
    expiry: bytes.readDoubleLE(32),
    digest: bytes.subarray(48, HEAD),
    body: bytes.subarray(HEAD),
  };
}

/** Undefined for a body that no program of ours has written. */
export function readAttributes(body: Buffer): Attributes | undefined {
  try {
    const read: unknown = JSON.parse(body.toString());
    return typeof read === 'object' && read !== null ? (read as Attributes) : undefined;
  } catch {
    return undefined;
  }
}

/** The numbers of the vectors, as they are stored. */
export function numbersOf(vectors: readonly Vector[]): Buffer {
  const bytes = Buffer.allocUnsafe(vectors.reduce((sum, { length }) => sum + 4 * length, 0));
  let at = 0;
  for (const vector of vectors)
    for (let j = 0; j < vector.length; j++) at = bytes.writeFloatLE(vector[j] ?? 0, at);
  return bytes;
}

/** What names the content of vectors: equal vectors have equal names. None of them is named by zeros. */
export const digestOf = (numbers: Buffer): Buffer =>
  numbers.length === 0 ? Buffer.alloc(16) : createHash('sha256').update(numbers).digest().subarray(0, 16);

export function vectorBytes(digest: Buffer, count: number, numbers: Buffer): Buffer {
  const head = Buffer.alloc(VECTORS_HEAD);
  digest.copy(head);
  head.writeUInt32LE(count, 16);
  return Buffer.concat([head, numbers]);
}

/** The vectors, if they were made of what `digest` names. */
export function readVectors(
  bytes: Buffer | null,
  digest: Buffer,
  dimensions: number,
): Float32Array[] | undefined {
  if (bytes === null || bytes.length < VECTORS_HEAD || !bytes.subarray(0, 16).equals(digest))
    return undefined;
  const count = bytes.readUInt32LE(16);
  if (bytes.length !== VECTORS_HEAD + 4 * dimensions * count) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const from = VECTORS_HEAD + 4 * dimensions * index;
    return Float32Array.from({ length: dimensions }, (_, j) => bytes.readFloatLE(from + 4 * j));
  });
}
