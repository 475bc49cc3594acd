/**
 * The areas of a filter, as a program gives them.
 *
 * Guarantees: a condition that is no area is a MisuseError that names the number that is wrong.
 */
import { display, MisuseError } from '@holdfast/kernel';
import { type Box, type Circle, isLatitude, isLongitude } from '../attributes/position.js';
import { isObject } from '../truth/record.js';

export interface Areas {
  readonly circle: Circle | undefined;
  readonly box: Box | undefined;
}

interface Kind {
  readonly what: string;
  readonly fits: (value: unknown) => boolean;
}

const LATITUDE: Kind = { what: 'a latitude from -90 to 90', fits: isLatitude };
const LONGITUDE: Kind = { what: 'a longitude from -180 to 180', fits: isLongitude };
const RADIUS: Kind = {
  what: 'a number of metres, from 0',
  fits: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
};

const NEAR = { lat: LATITUDE, lon: LONGITUDE, radius: RADIUS };
const BOX = { south: LATITUDE, west: LONGITUDE, north: LATITUDE, east: LONGITUDE };

/** Throws MisuseError. */
export function areasOf(name: string, condition: unknown): Areas {
  const on = `the filter on "${name}"`;
  const { near, box, ...others } = isObject(condition) ? condition : {};
  const isNeither = near === undefined && box === undefined;
  if (isNeither || Object.values(others).some((value) => value !== undefined)) {
    throw new MisuseError(
      `T${on.slice(1)} is { near: { lat, lon, radius } } or { box: { south, west, north, east } }; got ${display(isObject(condition) ? Object.keys(condition).join(', ') : condition)}.`,
    );
  }
  const circle = near === undefined ? undefined : numbersOf<Circle>(`"near" of ${on}`, near, NEAR);
  const read = box === undefined ? undefined : numbersOf<Box>(`"box" of ${on}`, box, BOX);
  if (read && read.south > read.north) {
    throw new MisuseError(`"box" of ${on} has its south, ${read.south}, north of its north, ${read.north}.`);
  }
  return { circle, box: read };
}

/** Those numbers, all of them and nothing else. Throws MisuseError. */
function numbersOf<T extends Circle | Box>(what: string, value: unknown, kinds: Record<keyof T, Kind>): T {
  const names = Object.keys(kinds);
  if (!isObject(value)) {
    throw new MisuseError(`${what} is an object with ${names.join(', ')}; got ${display(value)}.`);
  }
  const unknown = Object.keys(value).find((each) => !names.includes(each));
  if (unknown !== undefined) {
    throw new MisuseError(`${what} has ${names.join(', ')}; got ${display(unknown)}.`);
  }
  for (const [each, kind] of Object.entries<Kind>(kinds)) {
    if (kind.fits(value[each])) continue;
    throw new MisuseError(`"${each}" in ${what} is ${kind.what}; got ${display(value[each])}.`);
  }
  return Object.fromEntries(names.map((each) => [each, value[each]])) as unknown as T;
}
