/**
 * Documents and vectors as bytes, as they lie in Redis.
 *
 * A document is a head of 64 bytes, which lua/document.lua writes, its attributes as a line of JSON, and, if it has them, its text
 * as another, which is empty if it has none but has weights of terms, and these as a third. Vectors are 16 bytes that name what they were made of, how many there are under each name (u32), and their
 * numbers (f32), of one name after the other; all little-endian.
 *
 * Guarantees: bytes that are not such a document or such vectors read as undefined, and never as something else.
 */
import { createHash } from 'node:crypto';
import type { Vector } from '../index/metric.js';
import type { Text } from '../keywords/keyword-index.js';

const HEAD = 64;
export const DIGEST_BYTES = 16;
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

/** What a document says of itself. */
export interface Body {
  readonly attributes: Attributes;
  readonly text: Text | undefined;
  /** Weights by term. */
  readonly terms: Readonly<Record<string, number>> | undefined;
}

/** A body in the JSON of its parts. A line of JSON has no line feed but its own. */
export function bodyBytes({
  attributes,
  text,
  terms,
}: {
  readonly attributes: string;
  readonly text: string | undefined;
  readonly terms: string | undefined;
}): string {
  if (terms !== undefined) return `${attributes}\n${text ?? ''}\n${terms}`;
  return text === undefined ? attributes : `${attributes}\n${text}`;
}

/** Undefined for a body that no program of ours has written. */
export function readBody(body: Buffer): Body | undefined {
  const [first = '', second = '', third, ...more] = body.toString().split('\n');
  try {
    const attributes: unknown = JSON.parse(first);
    const text: unknown = second === '' ? undefined : JSON.parse(second);
    const terms: unknown = third === undefined ? undefined : JSON.parse(third);
    const isBody =
      isObject(attributes) &&
      (text === undefined || isText(text)) &&
      (terms === undefined || isObject(terms)) &&
      more.length === 0;
    return isBody ? { attributes, text, terms: terms as Body['terms'] } : undefined;
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isText = (value: unknown): value is Text =>
  typeof value === 'string' ||
  (isObject(value) && Object.values(value).every((part) => typeof part === 'string'));

/**
 * What names the source of vectors: the text, as JSON, and the numbers of vectors that came with it. Equal ones have equal names;
 * zeros name that there is neither.
 */
export function digestOf(text: string | undefined, vectors: Buffer | undefined): Buffer {
  if (text === undefined && vectors === undefined) return Buffer.alloc(DIGEST_BYTES);
  const hash = createHash('sha256');
  if (text !== undefined) hash.update(`${text}\n`);
  return hash
    .update(vectors ?? '')
    .digest()
    .subarray(0, DIGEST_BYTES);
}

/** Whether a document has anything of which vectors are made. */
export const hasSource = ({ digest }: Pick<StoredDocument, 'digest'>): boolean =>
  digest.some((byte) => byte !== 0);

/** The numbers of vectors, as they are stored: those of each name, behind how many each has. */
export function numbersOf(named: readonly (readonly Vector[])[]): Buffer {
  const all = named.flat();
  const bytes = Buffer.allocUnsafe(all.reduce((sum, { length }) => sum + 4 * length, 4 * named.length));
  let at = 0;
  for (const { length } of named) at = bytes.writeUInt32LE(length, at);
  for (const vector of all)
    for (let j = 0; j < vector.length; j++) at = bytes.writeFloatLE(vector[j] ?? 0, at);
  return bytes;
}

export const vectorBytes = (digest: Buffer, numbers: Buffer): Buffer => Buffer.concat([digest, numbers]);

/** How many vectors each of so many names has, if they were made of what `digest` names. */
export function countsIn(bytes: Buffer | null, digest: Buffer, names: number): readonly number[] | undefined {
  if (bytes === null || bytes.length < DIGEST_BYTES + 4 * names) return undefined;
  if (!bytes.subarray(0, DIGEST_BYTES).equals(digest)) return undefined;
  return Array.from({ length: names }, (_, name) => bytes.readUInt32LE(DIGEST_BYTES + 4 * name));
}

/** The vectors of each name, if they were made of what `digest` names; `dimensions` are those of each name. */
export function readVectors(
  bytes: Buffer | null,
  digest: Buffer,
  dimensions: readonly number[],
): Float32Array[][] | undefined {
  const counts = countsIn(bytes, digest, dimensions.length);
  if (bytes === null || counts === undefined) return undefined;
  let at = DIGEST_BYTES + 4 * dimensions.length;
  const numbers = dimensions.reduce((sum, each, name) => sum + each * (counts[name] ?? 0), 0);
  if (bytes.length !== at + 4 * numbers) return undefined;
  return dimensions.map((length, name) =>
    Array.from({ length: counts[name] ?? 0 }, () => {
      const vector = Float32Array.from({ length }, (_, j) => bytes.readFloatLE(at + 4 * j));
      at += 4 * length;
      return vector;
    }),
  );
}
