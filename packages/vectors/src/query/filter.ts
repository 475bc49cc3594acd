/**
 * Filters: which documents match, by their attributes.
 *
 * Guarantees: a filter that names an attribute that is not declared, or a condition that its kind does not have, is a MisuseError
 * that says so: it never silently matches nothing.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Attributes } from '../truth/record.js';

/** Of each attribute by which documents are filtered: `tag` for a text, or several; `number` for a finite number. */
export type Schema = Readonly<Record<string, 'tag' | 'number'>>;

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

/** Conditions that all hold, by attribute; a text or a number must be there as it is. */
export interface Filter {
  readonly [attribute: string]:
    | string
    | number
    | TagCondition
    | NumberCondition
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

export type Matches = (attributes: Attributes) => boolean;

/** Throws MisuseError. */
export function matcherOf(filter: unknown, schema: Schema): Matches {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    throw new MisuseError(`A filter is an object of conditions by attribute; got ${display(filter)}.`);
  }
  const parts = Object.entries(filter).flatMap(([name, condition]): Matches[] => {
    if (condition === undefined) return [];
    if (name === 'not') return [negated(matcherOf(condition, schema))];
    if (name === 'and' || name === 'or') return [joined(name, condition, schema)];
    if (!Object.hasOwn(schema, name)) {
      const known = Object.keys(schema).join(', ') || 'none';
      throw new MisuseError(
        `A filter names the attribute ${display(name)}, which the schema does not have; it has ${known}. Declare it in "schema" of createIndex().`,
      );
    }
    return [schema[name] === 'tag' ? tagMatcher(name, condition) : numberMatcher(name, condition)];
  });
  return (attributes) => parts.every((matches) => matches(attributes));
}

/** The values of a tag that a document has. */
export function tagsOf(attributes: Attributes, name: string): readonly unknown[] {
  const value = attributes[name];
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

const negated =
  (matches: Matches): Matches =>
  (attributes) =>
    !matches(attributes);

function joined(name: 'and' | 'or', condition: unknown, schema: Schema): Matches {
  if (!Array.isArray(condition)) {
    throw new MisuseError(`"${name}" of a filter is a list of filters; got ${display(condition)}.`);
  }
  const all = condition.map((each) => matcherOf(each, schema));
  if (name === 'and') return (attributes) => all.every((matches) => matches(attributes));
  return (attributes) => all.some((matches) => matches(attributes));
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function tagMatcher(name: string, condition: unknown): Matches {
  if (isText(condition)) return (attributes) => tagsOf(attributes, name).includes(condition);
  const { in: any, not } = conditionsOf(name, condition, ['in', 'not']);
  const wanted = any === undefined ? undefined : textsOf(name, 'in', any);
  const unwanted = textsOf(name, 'not', isText(not) ? [not] : (not ?? []));
  return (attributes) => {
    const tags = tagsOf(attributes, name);
    if (wanted && !tags.some((tag) => wanted.has(tag))) return false;
    return !tags.some((tag) => unwanted.has(tag));
  };
}

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  gt: (value, bound) => value > bound,
  gte: (value, bound) => value >= bound,
  lt: (value, bound) => value < bound,
  lte: (value, bound) => value <= bound,
};

function numberMatcher(name: string, condition: unknown): Matches {
  if (isNumber(condition)) return (attributes) => attributes[name] === condition;
  const bounds = Object.entries(conditionsOf(name, condition, Object.keys(COMPARISONS)));
  for (const [word, bound] of bounds) {
    if (isNumber(bound)) continue;
    throw new MisuseError(`"${word}" of the filter on "${name}" is a finite number; got ${display(bound)}.`);
  }
  return (attributes) => {
    const value = attributes[name];
    return isNumber(value) && bounds.every(([word, bound]) => COMPARISONS[word]?.(value, bound as number));
  };
}

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

function textsOf(name: string, word: string, value: unknown): ReadonlySet<unknown> {
  if (Array.isArray(value) && value.every(isText)) return new Set(value);
  throw new MisuseError(`"${word}" of the filter on "${name}" is a list of texts; got ${display(value)}.`);
}
