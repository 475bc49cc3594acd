/**
 * Between Redis and its scripts: what a script's arguments and replies become on the way.
 */
import { LuaError, Table, type Value } from '../lua/values.js';
import { type Reply, ServerError } from './reply.js';

/** Statuses, which a script sees as a table; of all replies, these only are no strings. */
const STATUSES = new Set(['OK', 'PONG']);

export function toLua(reply: Reply): Value {
  if (reply === null) return false;
  if (typeof reply === 'string' && STATUSES.has(reply)) return named('ok', reply);
  if (typeof reply === 'string' || typeof reply === 'number') return reply;
  return Table.of(reply.map(toLua));
}

export function fromLua(value: Value): Reply {
  if (value === undefined || value === false) return null;
  if (value === true) return 1;
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value === 'string') return value;
  if (!(value instanceof Table)) return null;
  const [error, status] = [value.get('err'), value.get('ok')];
  if (typeof error === 'string') throw new ServerError(error);
  if (typeof status === 'string') return status;
  const end = value.list.indexOf(undefined);
  return (end < 0 ? value.list : value.list.slice(0, end)).map(fromLua);
}

export function named(key: string, value: Value): Table {
  const table = new Table();
  table.set(key, value);
  return table;
}

/** What a script passes to a command. */
export function toArguments(values: readonly Value[]): string[] {
  return values.map((value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return printArgument(value);
    throw new LuaError('Lua redis lib command arguments must be strings or integers');
  });
}

/** Redis prints numbers that scripts pass with 17 digits. */
function printArgument(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e17) return String(value);
  return Number(value.toPrecision(17))
    .toString()
    .replace(/e([+-])(\d)$/, 'e$10$2');
}

/** KEYS and ARGV of a call: the number of keys, the keys, the rest. */
export function toInput([count = '', ...rest]: readonly string[]): readonly [Table, Table] {
  const number = Number(count);
  if (!/^\d+$/.test(count)) throw new ServerError('ERR value is not an integer or out of range');
  if (number > rest.length) throw new ServerError("ERR Number of keys can't be greater than number of args");
  return [Table.of(rest.slice(0, number)), Table.of(rest.slice(number))];
}
