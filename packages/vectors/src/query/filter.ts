/**
 * Filters: which documents match, by their attributes. A filter is read once, and then selects from columns, without a look at each
 * document.
 *
 * Guarantees: a filter that names an attribute that is not declared, or a condition that its kind does not have, is a MisuseError
 * that says so: it never silently matches nothing.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Bits } from '../attributes/bitmap.js';
import type { Columns, Schema } from '../attributes/columns.js';
import type { Range } from '../attributes/number-column.js';
import type { Box, Circle } from '../attributes/position.js';
import { areasOf } from './areas.js';

export interface TagCondition {
  /** Has one of these. */
  readonly in?: readonly string[];
  /** Has none of these. */
  readonly not?: string | readonly string[];
}

/** Between these; a document without the attribute does not match. */
export interface NumberCondition {
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
}

/** In these areas; a document without a position does not match. */
export interface GeoCondition {
  /** Not farther than `radius`, in metres, from a latitude and a longitude. */
  readonly near?: Circle;
  /** From `south` to `north`, and from `west` eastwards to `east`, in degrees. */
  readonly box?: Box;
}

/** Conditions that all hold, by attribute; a text or a number must be there as it is. */
export interface Filter {
  readonly [attribute: string]:
    | string
    | number
    | TagCondition
    | NumberCondition
    | GeoCondition
    | Filter
    | readonly Filter[]
    | undefined;
  /** All of these hold. */
  readonly and?: readonly Filter[];
  /** One of these holds. */
  readonly or?: readonly Filter[];
  /** This does not hold. */
  readonly not?: Filter;
}

/** A filter that was read. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'tag'; readonly name: string; readonly values: readonly string[] }
  | { readonly kind: 'number'; readonly name: string; readonly range: Partial<Range> }
  | { readonly kind: 'circle'; readonly name: string; readonly circle: Circle }
  | { readonly kind: 'box'; readonly name: string; readonly box: Box };

const UNBOUND: Range = {
  gt: Number.NEGATIVE_INFINITY,
  gte: Number.NEGATIVE_INFINITY,
  lt: Number.POSITIVE_INFINITY,
  lte: Number.POSITIVE_INFINITY,
};

/** Throws MisuseError. */
export function conditionOf(filter: unknown, schema: Schema): Condition {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    throw new MisuseError(`A filter is an object of conditions by attribute; got ${display(filter)}.`);
  }
  const of = Object.entries(filter).flatMap(([name, condition]): Condition[] => {
    if (condition === undefined) return [];
    if (name === 'not') return [{ kind: 'not', of: conditionOf(condition, schema) }];
    if (name === 'and' || name === 'or') return [joined(name, condition, schema)];
    if (!Object.hasOwn(schema, name)) {
      const known = Object.keys(schema).join(', ') || 'none';
      throw new MisuseError(
        `A filter names the attribute ${display(name)}, which the schema does not have; it has ${known}. Declare it in "schema" of createIndex().`,
      );
    }
    return [CONDITIONS[schema[name] ?? 'tag'](name, condition)];
  });
  return { kind: 'and', of };
}

/** Of the documents that there are, those that match. */
export function select(condition: Condition, columns: Columns, all: Bits): Bits {
  switch (condition.kind) {
    case 'and': {
      const bits = all.slice();
      for (const each of condition.of) {
        const some = select(each, columns, all);
        for (let word = 0; word < bits.length; word++) bits[word]! &= some[word]!;
      }
      return bits;
    }
    case 'or': {
      const bits = new Uint32Array(all.length);
      for (const each of condition.of) {
        const some = select(each, columns, all);
        for (let word = 0; word < bits.length; word++) bits[word]! |= some[word]!;
      }
      return bits;
    }
    case 'not': {
      const bits = select(condition.of, columns, all);
      for (let word = 0; word < bits.length; word++) bits[word] = all[word]! & ~bits[word]!;
      return bits;
    }
    case 'tag':
      return columns.tag(condition.name).having(condition.values, all.length);
    case 'number':
      return columns.number(condition.name).within({ ...UNBOUND, ...condition.range }, all.length);
    case 'circle':
      return columns.position(condition.name).inCircle(condition.circle, all.length);
    case 'box':
      return columns.position(condition.name).inBox(condition.box, all.length);
  }
}

function joined(kind: 'and' | 'or', condition: unknown, schema: Schema): Condition {
  if (!Array.isArray(condition)) {
    throw new MisuseError(`"${kind}" of a filter is a list of filters; got ${display(condition)}.`);
  }
  return { kind, of: condition.map((each) => conditionOf(each, schema)) };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function tagCondition(name: string, condition: unknown): Condition {
  if (isText(condition)) return { kind: 'tag', name, values: [condition] };
  const { in: any, not } = conditionsOf(name, condition, ['in', 'not']);
  const of: Condition[] = [];
  if (any !== undefined) of.push({ kind: 'tag', name, values: textsOf(name, 'in', any) });
  if (not !== undefined) {
    const values = isText(not) ? [not] : textsOf(name, 'not', not);
    of.push({ kind: 'not', of: { kind: 'tag', name, values } });
  }
  return { kind: 'and', of };
}

const COMPARISONS = ['gt', 'gte', 'lt', 'lte'];

function numberCondition(name: string, condition: unknown): Condition {
  if (isNumber(condition)) return { kind: 'number', name, range: { gte: condition, lte: condition } };
  const range = conditionsOf(name, condition, COMPARISONS);
  for (const [word, bound] of Object.entries(range)) {
    if (isNumber(bound)) continue;
    throw new MisuseError(`"${word}" of the filter on "${name}" is a finite number; got ${display(bound)}.`);
  }
  return { kind: 'number', name, range };
}

function geoCondition(name: string, condition: unknown): Condition {
  const { circle, box } = areasOf(name, condition);
  const of: Condition[] = [];
  if (circle) of.push({ kind: 'circle', name, circle });
  if (box) of.push({ kind: 'box', name, box });
  return { kind: 'and', of };
}

const CONDITIONS = { tag: tagCondition, number: numberCondition, geo: geoCondition };

function conditionsOf(
  name: string,
  condition: unknown,
  words: readonly string[],
): Readonly<Record<string, unknown>> {
  const isObject = typeof condition === 'object' && condition !== null && !Array.isArray(condition);
  const given = isObject ? Object.entries(condition).filter(([, value]) => value !== undefined) : [];
  if (given.length === 0 || given.some(([word]) => !words.includes(word))) {
    throw new MisuseError(
      `The filter on "${name}" is a value, or an object with ${words.join(', ')}; got ${display(isObject ? Object.keys(condition).join(', ') : condition)}.`,
    );
  }
  return Object.fromEntries(given);
}

function textsOf(name: string, word: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every(isText)) return value;
  throw new MisuseError(`"${word}" of the filter on "${name}" is a list of texts; got ${display(value)}.`);
}
