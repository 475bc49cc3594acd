/** Filters and facets by a look at one document after the other. */
import type { Schema } from '../src/attributes/columns.js';
import type { FacetValue } from '../src/attributes/selection.js';

type Attributes = Readonly<Record<string, unknown>>;

/** The values of an attribute that are of the schema's kind. */
function valuesOf(name: string, attributes: Attributes, schema: Schema): (string | number)[] {
  const value = attributes[name];
  if (schema[name] === 'geo') return [];
  if (schema[name] === 'number') return typeof value === 'number' ? [value] : [];
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((each): each is string => typeof each === 'string');
}

export function matchesBy(filter: unknown, attributes: Attributes, schema: Schema): boolean {
  return Object.entries(filter as object).every(([name, condition]) => {
    if (name === 'and') return condition.every((each: unknown) => matchesBy(each, attributes, schema));
    if (name === 'or') return condition.some((each: unknown) => matchesBy(each, attributes, schema));
    if (name === 'not') return !matchesBy(condition, attributes, schema);
    if (schema[name] === 'geo') return isIn(condition, attributes[name]);
    const values = valuesOf(name, attributes, schema);
    if (typeof condition !== 'object') return values.some((value) => value === condition);
    const { in: any, not = [], gt, gte, lt, lte } = condition;
    const unwanted: unknown[] = [not].flat();
    if (schema[name] === 'tag') {
      if (any && !values.some((value) => any.includes(value))) return false;
      return !values.some((value) => unwanted.includes(value));
    }
    const [value = Number.NaN] = values as number[];
    const holds = [gt === undefined || value > gt, gte === undefined || value >= gte];
    holds.push(lt === undefined || value < lt, lte === undefined || value <= lte);
    return values.length > 0 && !holds.includes(false);
  });
}

interface Areas {
  readonly near?: { readonly lat: number; readonly lon: number; readonly radius: number };
  readonly box?: { readonly [side in 'south' | 'west' | 'north' | 'east']: number };
}

function isIn({ near, box }: Areas, value: unknown): boolean {
  const { lat, lon } = Object(value);
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return false;
  if (near && metres({ lat, lon }, near) > near.radius + 0.001) return false;
  if (box === undefined) return true;
  const { south, west, north, east } = box;
  const turn = (degrees: number): number => ((degrees % 360) + 360) % 360;
  const width = west === -180 && east === 180 ? 360 : turn(east - west);
  return lat >= south && lat <= north && (Math.abs(lat) === 90 || turn(lon - west) <= width);
}

/** By the haversines of angles. */
function metres(one: { lat: number; lon: number }, other: { lat: number; lon: number }): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const haversine = (degrees: number): number => Math.sin(radians(degrees) / 2) ** 2;
  const part = Math.cos(radians(one.lat)) * Math.cos(radians(other.lat)) * haversine(one.lon - other.lon);
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(Math.min(1, haversine(one.lat - other.lat) + part)));
}

export function countedBy(name: string, all: readonly Attributes[], schema: Schema): FacetValue[] {
  const counts = new Map<string | number, number>();
  for (const attributes of all) {
    for (const value of new Set(valuesOf(name, attributes, schema))) {
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((one, other) => other.count - one.count || (one.value < other.value ? -1 : 1));
}
