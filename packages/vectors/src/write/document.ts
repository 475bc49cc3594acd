/**
 * Documents as a program gives them, checked: what is stored of each.
 *
 * Guarantees: a document that cannot be stored is a MisuseError that names the document and what is wrong with it.
 */
import { display, encodeJson, MisuseError } from '@holdfast/kernel';
import { prepareVector, type Vector } from '../index/metric.js';
import type { Metric } from '../kernel/layout.js';
import type { Schema } from '../query/filter.js';
import type { Attributes } from '../truth/record.js';

export interface Document {
  /** 1 to 256 bytes of UTF-8. */
  readonly id: string;
  /** What the document means, of the model of this program. */
  readonly vector?: Vector;
  /** Instead of `vector`: one for each chunk of the document, up to 256. It is found by the nearest of them. */
  readonly vectors?: readonly Vector[];
  /** JSON, up to 256 KiB. Those that the schema has are of its kinds. */
  readonly attributes?: Attributes;
}

/** What the documents of an index have. */
export interface Shape {
  readonly schema: Schema;
  readonly dimensions: number;
  readonly metric: Metric;
}

const MOST_BYTES = 256 * 1024;
const MOST_CHUNKS = 256;

/** Throws MisuseError. */
export function checkDocument(
  document: Document,
  shape: Shape,
): { id: string; vectors: readonly Vector[]; body: string } {
  if (typeof document !== 'object' || document === null) {
    throw new MisuseError(`A document is an object with an id; got ${display(document)}.`);
  }
  const { id, vector, vectors = vector === undefined ? [] : [vector], attributes = {} } = document;
  requireId(id);
  if (vector !== undefined && document.vectors !== undefined) {
    throw new MisuseError(`The document ${display(id)} has "vector" and "vectors"; give one of them.`);
  }
  checkVectors(id, vectors, shape);
  return { id, vectors, body: bodyOf(id, attributes, shape.schema) };
}

/** Throws MisuseError. */
function checkVectors(
  id: string,
  vectors: readonly Vector[],
  { dimensions, metric }: { readonly dimensions: number; readonly metric: Metric },
): void {
  if (!Array.isArray(vectors) || vectors.length > MOST_CHUNKS) {
    throw new MisuseError(
      `"vectors" of the document ${display(id)} is a list of up to ${MOST_CHUNKS}; got ${display(vectors)}.`,
    );
  }
  for (const each of vectors) prepareVector(each, metric, { dimensions, padded: dimensions });
}

/** The attributes as they are stored. Throws MisuseError. */
export function bodyOf(id: string, attributes: Attributes, schema: Schema): string {
  const of = `"attributes" of the document ${display(id)}`;
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw new MisuseError(`${of} is an object; got ${display(attributes)}.`);
  }
  for (const [name, kind] of Object.entries(schema)) {
    const value = attributes[name];
    if (value === undefined || value === null) continue;
    const fits = kind === 'tag' ? isText(value) || isTexts(value) : Number.isFinite(value);
    if (fits) continue;
    const what = kind === 'tag' ? 'a text or a list of texts' : 'a finite number';
    throw new MisuseError(
      `The attribute "${name}" of the document ${display(id)} is ${what}; got ${display(value)}.`,
    );
  }
  return encodeJson(attributes, { of, most: MOST_BYTES, advice: 'keep what is large elsewhere' });
}

/** Throws MisuseError. */
export function requireId(id: unknown): string {
  const length = isText(id) && !/\p{Cs}/u.test(id) ? Buffer.byteLength(id) : 0;
  if (isText(id) && length >= 1 && length <= 256) return id;
  throw new MisuseError(
    `The id of a document is a well-formed string of 1 to 256 bytes; got ${display(id)}.`,
  );
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
