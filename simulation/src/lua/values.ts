/**
 * The values of Lua 5.1 in JavaScript: nil is undefined, numbers and strings are themselves (a string has one character a
 * byte), tables are `Table`.
 *
 * Guarantees: numbers print as `%.14g`, as in Lua 5.1, where all of them are doubles.
 */

export type Value = undefined | boolean | number | string | Table | LuaFunction;

/** Several values, or none, that a function returns; one value is returned as itself. */
export class Multi {
  readonly values: readonly Value[];

  constructor(values: readonly Value[]) {
    this.values = values;
  }
}

export type Returned = Value | Multi;

export type LuaFunction = (...args: Value[]) => Returned;

export const first = (returned: Returned): Value =>
  returned instanceof Multi ? returned.values[0] : returned;

export const spread = (returned: Returned): readonly Value[] =>
  returned instanceof Multi ? returned.values : [returned];

/** An error that Lua code raises, or that it makes. */
export class LuaError extends Error {
  override readonly name = 'LuaError';
}

export class Table {
  /** The values of 1, 2, 3, … without a gap. */
  readonly list: Value[] = [];
  #others: Map<Value, Value> | undefined;

  static of(values: readonly Value[]): Table {
    const table = new Table();
    for (const value of values) table.list.push(value);
    table.#trim();
    return table;
  }

  get(key: Value): Value {
    if (typeof key === 'number' && key >= 1 && key <= this.list.length && Number.isInteger(key)) {
      return this.list[key - 1];
    }
    return this.#others?.get(key);
  }

  set(key: Value, value: Value): void {
    if (key === undefined) throw new LuaError('table index is nil');
    const { length } = this.list;
    if (typeof key !== 'number' || !Number.isInteger(key) || key < 1 || key > length + 1) {
      this.#setOther(key, value);
    } else if (key <= length) {
      this.list[key - 1] = value;
      if (key === length) this.#trim();
    } else if (value !== undefined) {
      this.list.push(value);
      this.#absorb();
    }
  }

  /** Keys that are no part of the list. */
  get others(): Iterable<readonly [Value, Value]> {
    return this.#others ?? [];
  }

  #setOther(key: Value, value: Value): void {
    if (value === undefined) this.#others?.delete(key);
    else {
      this.#others ??= new Map();
      this.#others.set(key, value);
    }
  }

  /** What follows the list now becomes part of it. */
  #absorb(): void {
    for (let next = this.list.length + 1; this.#others?.has(next); next += 1) {
      this.list.push(this.#others.get(next));
      this.#others.delete(next);
    }
  }

  #trim(): void {
    while (this.list.length > 0 && this.list.at(-1) === undefined) this.list.pop();
  }
}

export function kindOf(value: Value): string {
  if (value === undefined) return 'nil';
  return value instanceof Table ? 'table' : typeof value;
}

/** As `%.14g` prints. */
function printNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e14) return Object.is(value, -0) ? '-0' : String(value);
  if (Number.isNaN(value)) return value < 0 ? 'nan' : '-nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [mantissa = '', exponent = ''] = fourteenDigits(value).split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 14) return withoutZeros(value.toFixed(13 - power));
  const digits = String(Math.abs(power)).padStart(2, '0');
  return `${withoutZeros(mantissa)}e${power < 0 ? '-' : '+'}${digits}`;
}

/** As toExponential(13), but a whole number that lies in the middle is rounded to the even digit, as in C. */
function fourteenDigits(value: number): string {
  const text = value.toExponential(13);
  const digits = Number.isInteger(value) && Math.abs(value) < 1e21 ? BigInt(Math.abs(value)).toString() : '';
  if (!/^5(0*)$/.test(digits.slice(14)) || Number(digits[13]) % 2 === 1) return text;
  const even = `${digits[0]}.${digits.slice(1, 14)}e+${digits.length - 1}`;
  return value < 0 ? `-${even}` : even;
}

const withoutZeros = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

const NUMBER = /^\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX][\da-fA-F]+)\s*$/;

/** What a string means as a number, as C's strtod reads it; undefined if it is none. */
export function readNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^[+-]?inf(?:inity)?$/i.test(trimmed))
    return trimmed.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/i.test(trimmed)) return Number.NaN;
  if (!NUMBER.test(text)) return undefined;
  return trimmed.startsWith('-') ? -Number(trimmed.slice(1)) : Number(trimmed);
}

export const isTrue = (value: Value): boolean => value !== undefined && value !== false;

export function toText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return printNumber(value);
  throw new LuaError(`string expected, got ${kindOf(value)}`);
}

export function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  const number = typeof value === 'string' ? readNumber(value) : undefined;
  if (number === undefined) throw new LuaError(`attempt to perform arithmetic on a ${kindOf(value)} value`);
  return number;
}
