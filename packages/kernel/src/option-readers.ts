/**
 * Options, each declared once: its reader defines the values that it may have, and its default. `satisfies
 * Readers<Options>` makes the compiler refuse a declaration that lacks an option of the interface, or has one too many.
 *
 *   const READERS = {
 *     ttl: withDefault(duration({ min: 10 }), 10_000),
 *     signal: optional(abortSignal),
 *   } satisfies Readers<AcquireOptions>;
 *   const { ttl, signal } = readOptions('acquire', options, READERS);
 *
 * Guarantees: a value that is not as declared throws a MisuseError that names the option, the value, and the values
 * that are allowed. `null` is not taken for an absent option.
 */
import { type Clock, systemClock } from './clock.js';
import { MisuseError } from './errors.js';
import { display, requireDuration } from './options.js';
import { type Random, systemRandom } from './random.js';

/** Checks one value. Throws MisuseError. */
export type Reader<T> = (option: string, value: unknown) => T;

/** One reader for each option. */
export type Readers<Options> = {
  readonly [Name in keyof Options]-?: Reader<Options[Name] | AsRead<Options[Name]> | undefined>;
};

/** Options within an option, as they are read: absent ones are undefined. */
type AsRead<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: AsRead<T[Name]> | undefined }
    : T;

/** Options that were read, with their defaults. */
export type Settings<R> = { readonly [Name in keyof R]: R[Name] extends Reader<infer T> ? T : never };

/** Reads the options of `where`. Throws MisuseError. */
export function readOptions<R extends object>(where: string, options: unknown, readers: R): Settings<R> {
  return read({ where, path: '' }, options, readers);
}

/** Options within an option, which are named by both, as in `retain.count`. */
export function group<R extends object>(readers: R): Reader<Settings<R>> {
  return (option, value) => read({ where: option, path: `${option}.` }, value, readers);
}

/** The same for options that may all be absent: if the group itself is absent, it is read as `{}`. */
export function groupOrDefaults<R extends object>(readers: R): Reader<Settings<R>> {
  const reader = group(readers);
  return (option, value = {}) => reader(option, value);
}

/** The values of absent options, and the names of those that may not be absent. */
interface Absent {
  readonly values: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

/** Keyed by the readers: determined once, since reading options is part of every acquire and every add. */
const absent = new WeakMap<object, Absent>();

function absentBy(readers: Readonly<Record<string, Reader<unknown>>>): Absent {
  const values: Record<string, unknown> = {};
  const required: string[] = [];
  for (const [name, reader] of Object.entries(readers)) {
    values[name] = undefined;
    try {
      values[name] = reader(name, undefined);
    } catch {
      required.push(name);
    }
  }
  const found = { values, required };
  absent.set(readers, found);
  return found;
}

function read<R extends object>(
  { where, path }: { readonly where: string; readonly path: string },
  options: unknown,
  readers: R,
): Settings<R> {
  requireKnown(where, options, readers);
  const known = readers as Readonly<Record<string, Reader<unknown>>>;
  const given = options as Readonly<Record<string, unknown>>;
  const { values, required } = absent.get(readers) ?? absentBy(known);
  const settings = { ...values };
  for (const name of required) settings[name] = known[name]?.(path + name, given[name]);
  for (const name of Object.keys(isPlain(given) ? given : known)) {
    if (!required.includes(name)) settings[name] = known[name]?.(path + name, given[name]);
  }
  return settings as Settings<R>;
}

/** Refuses anything but an object, and unknown options, so that a misspelt option is not silently its default. */
function requireKnown(where: string, options: unknown, readers: object): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new MisuseError(`${where} takes an object with ${namesOf(readers)}; got ${display(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(readers, name)) {
      throw new MisuseError(`${where} has no option ${display(name)}; it knows ${namesOf(readers)}.`);
    }
  }
}

/** Whether all options are the object's own: an instance of a class may have some through its prototype. */
const isPlain = (options: object): boolean => Object.getPrototypeOf(options) === Object.prototype;

const namesOf = (readers: object): string => Object.keys(readers).join(', ');

/** Any value, as it is given: whatever receives it checks it. */
export function passedOn<T>(): Reader<T> {
  return (_, value) => value as T;
}

/** `fallback` if the option is absent. */
export function withDefault<T, D>(reader: Reader<T>, fallback: D): Reader<T | D> {
  return (option, value) => (value === undefined ? fallback : reader(option, value));
}

export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return withDefault(reader, undefined);
}

/** A value that `fits`; `what` completes "it is …". */
export function fitting<T>(what: string, fits: (value: unknown) => boolean): Reader<T> {
  return (option, value) => {
    if (fits(value)) return value as T;
    throw new MisuseError(`${option} is ${what}; got ${display(value)}.`);
  };
}

/** Whole milliseconds. */
export function duration(limits: { readonly min?: number; readonly max?: number } = {}): Reader<number> {
  return (option, value) => requireDuration(option, value, limits);
}

export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  const limits = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return fitting(
    `a whole number ${limits}`,
    (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max,
  );
}

/** A number from 0 to below 1. */
export const fraction: Reader<number> = fitting(
  'a fraction from 0 to below 1',
  (value) => typeof value === 'number' && value >= 0 && value < 1,
);

export const flag: Reader<boolean> = fitting('true or false', (value) => typeof value === 'boolean');

/** Text that is not empty; `what` completes "it is …". */
export function text(what: string): Reader<string> {
  return fitting(what, (value) => typeof value === 'string' && value !== '');
}

/** A list of anything; `what` completes "it is …". */
export function list<T>(what: string): Reader<readonly T[]> {
  return fitting(what, Array.isArray);
}

export function oneOf<T extends string>(...values: readonly T[]): Reader<T> {
  const quoted = values.map((each) => `"${each}"`);
  const choices = [quoted.slice(0, -1).join(', '), ...quoted.slice(-1)].join(' or ');
  return fitting(choices, (value) => values.some((each) => each === value));
}

export const abortSignal: Reader<AbortSignal> = fitting(
  'an AbortSignal, as of an AbortController or AbortSignal.timeout(ms)',
  (value) => {
    const signal = Object(value) as Partial<AbortSignal>;
    return typeof signal.aborted === 'boolean' && signal.addEventListener !== undefined;
  },
);

/** A function, which is called as `T`; `of` says what it is a function of. */
export function callback<T>(of?: string): Reader<T> {
  const what = of === undefined ? 'a function' : `a function of ${of}`;
  return fitting(what, (value) => typeof value === 'function');
}

/** An object with these methods, which is used as `T`. */
export function having<T>(...methods: readonly string[]): Reader<T> {
  return fitting(methods.length === 0 ? 'an object' : `an object with ${methods.join(', ')}`, (value) => {
    const object = value as Readonly<Record<string, unknown>> | null;
    const has = (method: string): boolean => typeof object?.[method] === 'function';
    return typeof object === 'object' && object !== null && methods.every(has);
  });
}

/** A clock; by default the system's. */
export const orSystemClock: Reader<Clock> = withDefault(
  having<Clock>('now', 'wall', 'after', 'afterInput'),
  systemClock,
);

/** A source of randomness; by default the system's. */
export const orSystemRandom: Reader<Random> = withDefault(having<Random>('unit', 'id'), systemRandom);
