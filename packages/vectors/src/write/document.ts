/**
 * Documents as a program gives them, checked: what is stored of each.
 *
 * Guarantees: a document that cannot be stored is a MisuseError that names the document and what is wrong with it.
 */
import { display, encodeJson, MisuseError } from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import type { Schema } from '../attributes/columns.js';
import { positionOf } from '../attributes/position.js';
import { prepareVector, type Vector } from '../index/metric.js';
import type { Text } from '../keywords/keyword-index.js';
import { type TermWeights, weightsOf } from '../keywords/sparse-index.js';
import { type Attributes, isObject, isText } from '../truth/record.js';

export interface Document {
  /** 1 to 256 bytes of UTF-8. */
  readonly id: string;
  /** What it says, by which it is found, up to 1 MiB: a text, or the texts of the fields that `keywords` has. */
  readonly text?: Text;
  /**
   * Weights from 0 to 63 by term, as a sparse model gives them, by which it is found if `terms` of createIndex() says so: up to 65,535,
   * and 1 MiB as JSON.
   */
  readonly terms?: TermWeights;
  /** What the document means, of the model of this program. */
  readonly vector?: Vector;
  /**
   * Instead of `vector`: one for each chunk of the document, up to 256. It is found by the nearest of them. In an index with
   * named vectors, a vector, or those of the chunks, by name.
   */
  readonly vectors?: readonly Vector[] | Readonly<Record<string, Vector | readonly Vector[]>>;
  /** JSON, up to 256 KiB. Those that the schema has are of its kinds. */
  readonly attributes?: Attributes;
}

/** What the documents of an index have. */
export interface DocumentShape {
  readonly schema: Schema;
  readonly aspects: readonly Pick<Aspect, 'name' | 'dimensions' | 'metric'>[];
  /** Whether texts are searched, and by which fields: any, if undefined. */
  readonly fields: Readonly<Record<string, number>> | 'one text' | undefined;
}

export interface CheckedDocument {
  readonly id: string;
  /** Those of each aspect. */
  readonly vectors: readonly (readonly Vector[])[];
  /** As JSON. */
  readonly attributes: string;
  /** As JSON. */
  readonly text: string | undefined;
  /** As JSON. */
  readonly terms: string | undefined;
}

const MOST_BYTES = 256 * 1024;
const MOST_TEXT_BYTES = 1024 * 1024;
const MOST_CHUNKS = 256;

/** Throws MisuseError. */
export function checkDocument(document: Document, shape: DocumentShape): CheckedDocument {
  if (typeof document !== 'object' || document === null) {
    throw new MisuseError(`A document is an object with an id; got ${display(document)}.`);
  }
  const { id, text, terms, attributes = {} } = document;
  requireId(id);
  return {
    id,
    vectors: vectorsOf(document, shape.aspects),
    attributes: attributesJson(id, attributes, shape.schema),
    text: text === undefined ? undefined : textJson(id, text, shape.fields),
    terms: terms === undefined ? undefined : termsJson(id, terms),
  };
}

/** Those of each aspect. Throws MisuseError. */
export function vectorsOf(
  { id, vector, vectors }: Document,
  aspects: DocumentShape['aspects'],
): readonly (readonly Vector[])[] {
  const of = `the document ${display(id)}`;
  if (vector !== undefined && vectors !== undefined) {
    throw new MisuseError(`The document ${display(id)} has "vector" and "vectors"; give one of them.`);
  }
  if (aspects[0]?.name === '') {
    const given = vectors ?? (vector === undefined ? [] : [vector]);
    return [chunksFor(`"vectors" of ${of}`, given, aspects[0])];
  }
  const names = aspects.map(({ name }) => name).join(', ');
  if (vector !== undefined || (vectors !== undefined && !isObject(vectors))) {
    throw new MisuseError(
      `"vectors" of ${of} is an object with vectors of ${names}; got a vector or a list.`,
    );
  }
  const unknown = Object.keys(vectors ?? {}).find((name) => !aspects.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new MisuseError(`"vectors" of ${of} has ${display(unknown)}; the index has vectors of ${names}.`);
  }
  return aspects.map((aspect) => {
    const given = vectors?.[aspect.name as keyof typeof vectors] as Vector | readonly Vector[] | undefined;
    const isOne = given !== undefined && typeof given[0] === 'number';
    return chunksFor(`"vectors.${aspect.name}" of ${of}`, isOne ? [given as Vector] : (given ?? []), aspect);
  });
}

/** Throws MisuseError. */
function chunksFor(
  what: string,
  given: unknown,
  { dimensions, metric }: DocumentShape['aspects'][number],
): readonly Vector[] {
  if (!Array.isArray(given) || given.length > MOST_CHUNKS) {
    throw new MisuseError(`${what} is a list of up to ${MOST_CHUNKS}; got ${display(given)}.`);
  }
  for (const each of given as Vector[]) prepareVector(each, metric, { dimensions, padded: dimensions });
  return given as Vector[];
}

/** What values of each kind of attribute are. */
const KIND = {
  tag: { fits: (value: unknown) => isString(value) || isStrings(value), what: 'a text or a list of texts' },
  number: { fits: (value: unknown) => Number.isFinite(value), what: 'a finite number' },
  geo: {
    fits: (value: unknown) => positionOf(value) !== undefined,
    what: '{ lat, lon }, with a latitude from -90 to 90 and a longitude from -180 to 180',
  },
};

/** The attributes as they are stored. Throws MisuseError. */
export function attributesJson(id: string, attributes: Attributes, schema: Schema): string {
  const of = `"attributes" of the document ${display(id)}`;
  if (!isObject(attributes)) throw new MisuseError(`${of} is an object; got ${display(attributes)}.`);
  for (const [name, kind] of Object.entries(schema)) {
    const value = attributes[name];
    if (value === undefined || value === null) continue;
    const { fits, what } = KIND[kind];
    if (fits(value)) continue;
    throw new MisuseError(
      `The attribute "${name}" of the document ${display(id)} is ${what}; got ${display(value)}.`,
    );
  }
  return encodeJson(attributes, { of, most: MOST_BYTES, advice: 'keep what is large elsewhere' });
}

/** Equal texts are stored as equal bytes. Throws MisuseError. */
function textJson(id: string, text: Text, fields: DocumentShape['fields']): string {
  const of = `"text" of the document ${display(id)}`;
  if (!isText(text)) {
    throw new MisuseError(`${of} is a text, or an object of texts by field; got ${display(text)}.`);
  }
  if (fields === 'one text' && !isString(text)) {
    throw new MisuseError(`${of} is one text, as "keywords" of createIndex() has no fields; got an object.`);
  }
  if (isObject(fields)) {
    const known = Object.keys(fields).join(', ');
    const unknown = isString(text) ? text : Object.keys(text).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) {
      throw new MisuseError(`${of} is an object with texts of ${known}; got ${display(unknown)}.`);
    }
  }
  const sorted = isString(text) ? text : Object.fromEntries(Object.entries(text).sort(byName));
  return encodeJson(sorted, { of, most: MOST_TEXT_BYTES, advice: 'put its parts as documents of their own' });
}

/** Equal weights are stored as equal bytes. Throws MisuseError. */
function termsJson(id: string, terms: unknown): string {
  const of = `"terms" of the document ${display(id)}`;
  const sorted = Object.fromEntries([...weightsOf(terms, of)].sort(byName));
  return encodeJson(sorted, { of, most: MOST_TEXT_BYTES, advice: 'leave out the lowest weights' });
}

/** Throws MisuseError. */
export function requireId(id: unknown): string {
  const length = isString(id) && !/\p{Cs}/u.test(id) ? Buffer.byteLength(id) : 0;
  if (isString(id) && length >= 1 && length <= 256) return id;
  throw new MisuseError(
    `The id of a document is a well-formed string of 1 to 256 bytes; got ${display(id)}.`,
  );
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : 1;
const isString = (value: unknown): value is string => typeof value === 'string';
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every(isString);
