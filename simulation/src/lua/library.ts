/**
 * The part of Lua's library that scripts use here.
 *
 * Guarantees: what is not here cannot be named by a script; that is found when it is compiled.
 */
import { operators } from './operators.js';
import { toRegExp } from './patterns.js';
import { pack, unpack as unpackBytes } from './struct.js';
import {
  first,
  isTrue,
  kindOf,
  LuaError,
  type LuaFunction,
  Multi,
  type Returned,
  readNumber,
  Table,
  toNumber,
  toText,
  type Value,
} from './values.js';

const capturesOf = (found: RegExpExecArray): Returned => {
  if (found.length <= 2) return found[found.length - 1];
  return new Multi(found.slice(1));
};

function search(text: Value, pattern: Value, from: Value): RegExpExecArray | null {
  const expression = toRegExp(toText(pattern));
  const subject = toText(text);
  const start = from === undefined ? 1 : toNumber(from);
  const begin = Math.max(0, start < 0 ? subject.length + start : start - 1);
  // Lua's "^" is where the search begins, not where the text does.
  if (begin > 0 && expression.source.startsWith('^')) {
    throw new LuaError('a pattern with ^ that does not begin with the text is not supported here');
  }
  expression.lastIndex = begin;
  return expression.exec(subject);
}

function find(text: Value, pattern: Value, from: Value, plain: Value): Returned {
  if (plain !== undefined && plain !== false) {
    const sought = toText(pattern);
    const at = toText(text).indexOf(sought, from === undefined ? 0 : toNumber(from) - 1);
    return at < 0 ? undefined : new Multi([at + 1, at + sought.length]);
  }
  const found = search(text, pattern, from);
  return found ? new Multi([found.index + 1, found.index + found[0].length, ...found.slice(1)]) : undefined;
}

function gmatch(text: Value, pattern: Value): Returned {
  const all = [...toText(text).matchAll(toRegExp(toText(pattern)))];
  let next = 0;
  return () => {
    const found = all[next];
    next += 1;
    return found ? capturesOf(found as RegExpExecArray) : undefined;
  };
}

function gsub(text: Value, pattern: Value, by: Value, most: Value): Returned {
  const limit = most === undefined ? Number.POSITIVE_INFINITY : toNumber(most);
  const replacement = toText(by);
  let count = 0;
  const replaced = toText(text).replace(toRegExp(toText(pattern)), (...found: unknown[]) => {
    const whole = String(found[0]);
    if (count >= limit) return whole;
    count += 1;
    return replacement.replaceAll(/%(\d|%)/g, (_, digit: string) => {
      if (digit === '%') return '%';
      const capture = digit === '0' ? whole : found[Number(digit)];
      return typeof capture === 'string' ? capture : whole;
    });
  });
  return new Multi([replaced, count]);
}

function sub(text: Value, from: Value, to: Value): string {
  const subject = toText(text);
  const place = (value: number): number => (value < 0 ? subject.length + value + 1 : value);
  const begin = Math.max(1, place(toNumber(from)));
  const end = place(to === undefined ? -1 : toNumber(to));
  return end < begin ? '' : subject.slice(begin - 1, end);
}

function format(pattern: Value, ...args: Value[]): string {
  let next = 0;
  return toText(pattern).replaceAll(/%([-+ #0]*\d*(?:\.\d+)?)(.)/g, (item, flags: string, kind: string) => {
    if (kind === '%') return '%';
    if (next >= args.length) throw new LuaError(`bad argument #${next + 2} to 'format' (no value)`);
    const value = args[next];
    next += 1;
    if (kind === 's' && flags === '') return toText(value);
    const width = /^0?(\d*)$/.exec(flags)?.[1];
    if (kind === 'd' && width !== undefined) {
      return Math.trunc(toNumber(value)).toFixed(0).padStart(Number(width), '0');
    }
    const [, zeros, digits] = /^(?:0(\d+))?\.(\d)$/.exec(flags) ?? [];
    if (kind === 'f' && digits !== undefined) {
      const number = toNumber(value);
      const text = digits === '0' ? roundToEven(number).toFixed(0) : number.toFixed(Number(digits));
      return padded(text, Number(zeros ?? 0));
    }
    throw new LuaError(`the format "${item}" is not supported here`);
  });
}

/** With zeros in front, behind the sign. */
const padded = (text: string, width: number): string =>
  text.startsWith('-') ? `-${text.slice(1).padStart(width - 1, '0')}` : text.padStart(width, '0');

/** As C rounds what lies in the middle. */
function roundToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return value;
  return below % 2 === 0 ? below : below + 1;
}

const numbers = (values: readonly Value[]): number[] => values.map(toNumber);

function ipairs(table: Value): Returned {
  if (!(table instanceof Table)) throw new LuaError(`table expected, got ${kindOf(table)}`);
  const next: LuaFunction = (_, index) => {
    const place = toNumber(index) + 1;
    const value = table.get(place);
    return value === undefined ? undefined : new Multi([place, value]);
  };
  return new Multi([next, table, 0]);
}

/** In the order in which the keys were set: Lua promises none. */
function pairs(table: Value): Returned {
  if (!(table instanceof Table)) throw new LuaError(`table expected, got ${kindOf(table)}`);
  const all = [...table.list.map((value, index) => [index + 1, value] as const), ...table.others];
  let next = 0;
  return () => {
    const pair = all[next];
    next += 1;
    return pair ? new Multi([...pair]) : undefined;
  };
}

function unpack(table: Value, from: Value, to: Value): Returned {
  if (!(table instanceof Table)) throw new LuaError(`table expected, got ${kindOf(table)}`);
  const begin = from === undefined ? 1 : toNumber(from);
  const end = to === undefined ? table.list.length : toNumber(to);
  const values: Value[] = [];
  for (let place = begin; place <= end; place += 1) values.push(table.get(place));
  return new Multi(values);
}

function concat(table: Value, between: Value, from: Value, to: Value): string {
  const values = unpack(table, from, to) as Multi;
  return values.values.map(toText).join(between === undefined ? '' : toText(between));
}

function insert(table: Value, ...rest: Value[]): Returned {
  if (!(table instanceof Table)) throw new LuaError(`table expected, got ${kindOf(table)}`);
  if (rest.length === 1) table.set(table.list.length + 1, rest[0]);
  else table.list.splice(toNumber(rest[0]) - 1, 0, rest[1]);
  return new Multi([]);
}

function remove(table: Value, place: Value): Returned {
  if (!(table instanceof Table)) throw new LuaError(`table expected, got ${kindOf(table)}`);
  const at = place === undefined ? table.list.length : toNumber(place);
  if (at < 1 || at > table.list.length) return new Multi([]);
  return table.list.splice(at - 1, 1)[0];
}

/** Lua's sort is not stable either: what compares as equal has no order. */
function sort(table: Value, isBefore: Value): Returned {
  if (!(table instanceof Table)) throw new LuaError(`table expected, got ${kindOf(table)}`);
  const before = (one: Value, other: Value): boolean =>
    typeof isBefore === 'function' ? isTrue(first(isBefore(one, other))) : operators.isLess(one, other);
  table.list.sort((one, other) => (before(one, other) ? -1 : Number(before(other, one))));
  return new Multi([]);
}

/** Lists and objects become tables. What Redis has for null, a value of its own, no script here looks at. */
function fromJson(value: unknown): Value {
  if (value === null) throw new LuaError('null in JSON is not supported here');
  if (Array.isArray(value)) return Table.of(value.map(fromJson));
  if (typeof value !== 'object') return value as Value;
  const table = new Table();
  for (const [name, each] of Object.entries(value)) table.set(name, fromJson(each));
  return table;
}

function select(from: Value, ...values: Value[]): Returned {
  if (from === '#') return values.length;
  const place = toNumber(from);
  if (place < 1) throw new LuaError("bad argument #1 to 'select' (index out of range)");
  return new Multi(values.slice(place - 1));
}

function tonumber(value: Value): Value {
  return typeof value === 'string' ? readNumber(value) : typeof value === 'number' ? value : undefined;
}

function tostring(...values: Value[]): string {
  if (values.length === 0) throw new LuaError("bad argument #1 to 'tostring' (value expected)");
  const [value] = values;
  if (typeof value === 'string' || typeof value === 'number') return toText(value);
  if (value === undefined) return 'nil';
  if (typeof value === 'boolean') return String(value);
  throw new LuaError(`tostring of a ${kindOf(value)} is not supported here`);
}

function byte(text: Value, from: Value, to: Value): Returned {
  const first = from === undefined ? 1 : from;
  const part = sub(text, first, to === undefined ? first : to);
  return new Multi([...part].map((character) => character.charCodeAt(0)));
}

/** By the name that a script uses. */
export const library: ReadonlyMap<string, LuaFunction> = new Map<string, LuaFunction>([
  ['tonumber', tonumber],
  ['tostring', tostring],
  ['type', kindOf],
  ['ipairs', ipairs],
  ['pairs', pairs],
  ['unpack', unpack],
  ['select', select],
  [
    'error',
    (message) => {
      throw new LuaError(toText(message));
    },
  ],
  [
    'string.match',
    (text, pattern, from) => {
      const found = search(text, pattern, from);
      return found ? capturesOf(found) : undefined;
    },
  ],
  ['string.find', find],
  ['string.gmatch', gmatch],
  ['string.gsub', gsub],
  ['string.sub', sub],
  ['string.format', format],
  ['string.len', (text) => toText(text).length],
  ['string.lower', (text) => toText(text).toLowerCase()],
  ['string.upper', (text) => toText(text).toUpperCase()],
  ['string.rep', (text, count) => toText(text).repeat(Math.max(0, toNumber(count)))],
  ['string.byte', byte],
  ['string.char', (...codes) => String.fromCharCode(...numbers(codes))],
  ['struct.pack', pack],
  ['struct.unpack', unpackBytes],
  ['cjson.encode', (text) => JSON.stringify(toText(text)).replaceAll('/', '\\/')],
  ['cjson.decode', (text) => fromJson(JSON.parse(toText(text)))],
  ['math.abs', (value) => Math.abs(toNumber(value))],
  ['math.ceil', (value) => Math.ceil(toNumber(value))],
  ['math.floor', (value) => Math.floor(toNumber(value))],
  ['math.max', (...values) => Math.max(...numbers(values))],
  ['math.min', (...values) => Math.min(...numbers(values))],
  ['table.concat', concat],
  ['table.insert', insert],
  ['table.remove', remove],
  ['table.sort', sort],
]);
