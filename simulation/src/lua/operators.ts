/**
 * What the operators of Lua do, for compiled code. Those on numbers are written out where both sides are.
 */
import { isTrue, kindOf, LuaError, Table, toNumber, toText, type Value } from './values.js';

export const operators = {
  isTrue,
  toNumber,

  modulo(left: Value, right: Value): number {
    const [a, b] = [toNumber(left), toNumber(right)];
    return a - Math.floor(a / b) * b;
  },

  isLess(left: Value, right: Value): boolean {
    if (typeof left === 'number' && typeof right === 'number') return left < right;
    if (typeof left === 'string' && typeof right === 'string') return left < right;
    throw incomparable(left, right);
  },

  isAtMost(left: Value, right: Value): boolean {
    if (typeof left === 'number' && typeof right === 'number') return left <= right;
    if (typeof left === 'string' && typeof right === 'string') return left <= right;
    throw incomparable(left, right);
  },

  concat(left: Value, right: Value): string {
    if (typeof left === 'string' && typeof right === 'string') return left + right;
    for (const side of [left, right]) {
      if (typeof side !== 'string' && typeof side !== 'number') {
        throw new LuaError(`attempt to concatenate a ${kindOf(side)} value`);
      }
    }
    return toText(left) + toText(right);
  },

  length(value: Value): number {
    if (typeof value === 'string') return value.length;
    if (value instanceof Table) return value.list.length;
    throw new LuaError(`attempt to get length of a ${kindOf(value)} value`);
  },

  get(table: Value, key: Value): Value {
    if (table instanceof Table) return table.get(key);
    throw new LuaError(`attempt to index a ${kindOf(table)} value`);
  },

  set(table: Value, key: Value, value: Value): void {
    if (!(table instanceof Table)) throw new LuaError(`attempt to index a ${kindOf(table)} value`);
    table.set(key, value);
  },

  table(values: readonly Value[], named: readonly (readonly [Value, Value])[]): Table {
    const table = Table.of(values);
    for (const [key, value] of named) table.set(key, value);
    return table;
  },

  /** For a value that is called. */
  callable(value: Value): Value {
    if (typeof value === 'function') return value;
    throw new LuaError(`attempt to call a ${kindOf(value)} value`);
  },
};

const incomparable = (left: Value, right: Value): LuaError =>
  new LuaError(
    kindOf(left) === kindOf(right)
      ? `attempt to compare two ${kindOf(left)} values`
      : `attempt to compare ${kindOf(left)} with ${kindOf(right)}`,
  );
