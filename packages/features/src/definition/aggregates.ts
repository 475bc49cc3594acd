/**
 * What a window may say about the events in it, and the plan that follows: which numbers each tile keeps.
 *
 * Guarantees: features that take the same function share what is kept. The plan is plain data; the functions, which
 * only the program has, stand beside it in the same order.
 */
import { duration, MisuseError, oneOf, type Reader, readOptions, whole } from '@holdfast/kernel';
import type { FeatureType } from './types.js';

/** A feature of a window, as it is written down. `of` is the place of its function among those of its sort. */
export type Aggregate =
  | { readonly kind: 'count'; readonly over: number }
  | { readonly kind: 'sum' | 'min' | 'max' | 'mean' | 'last'; readonly over: number; readonly of: number }
  | { readonly kind: 'distinct'; readonly over: number; readonly of: number }
  | { readonly kind: 'latest'; readonly n: number; readonly of: number };

/** The type of a feature of a window. */
export interface WindowType<Out> extends FeatureType<Out, never, false> {
  readonly aggregate: Aggregate;
}

/** How long a window is, in ms: a multiple of the tile. It ends with the tile of the present moment. */
export interface Over {
  readonly over: number;
}

/** What a window may say about events of the type `Event`. */
export interface On<Event> {
  /** How many events there are. */
  count(options: Over): WindowType<number>;
  /** The sum of a number; 0 without events. */
  sum(value: (event: Event) => number, options: Over): WindowType<number>;
  /** The least of a number; null without events. */
  min(value: (event: Event) => number, options: Over): WindowType<number>;
  /** The greatest of a number; null without events. */
  max(value: (event: Event) => number, options: Over): WindowType<number>;
  /** The mean of a number; null without events. */
  mean(value: (event: Event) => number, options: Over): WindowType<number>;
  /** A number of the event with the latest time; null without events. */
  last(value: (event: Event) => number, options: Over): WindowType<number>;
  /**
   * About how many different texts there are: an estimate, whose standard error is 1.04 / sqrt(registers), so 13 % with
   * the default of 64 registers, 6.5 % with 256.
   */
  distinct(
    value: (event: Event) => string,
    options: Over & { readonly registers?: 64 | 256 },
  ): WindowType<number>;
  /** The texts of the latest `n` events, 1 to 100, the latest first, however long ago they were. */
  latest(value: (event: Event) => string, options: { readonly n: number }): WindowType<readonly string[]>;
}

/** What a tile and a ring keep. */
export interface WindowPlan {
  /** How many numbers of each event are summed up. */
  readonly series: number;
  /** The registers of each distinct count, in a tile. */
  readonly distinct: readonly number[];
  /** How many events each list of latest ones has, in a ring. */
  readonly latest: readonly number[];
}

/** The functions of a plan, in its order. */
export interface Extractors<Event> {
  readonly series: readonly ((event: Event) => number)[];
  readonly distinct: readonly ((event: Event) => string)[];
  readonly latest: readonly ((event: Event) => string)[];
}

interface Collected<Event> {
  readonly on: On<Event>;
  readonly plan: () => WindowPlan;
  readonly extractors: Extractors<Event>;
}

type Functions<Event, T> = ((event: Event) => T)[];

const readRegisters: Reader<number> = (option, value = '64') =>
  Number(oneOf('64', '256')(option, String(value)));
const LATEST = { n: whole(1, 100) };

/** An `on` that remembers what it was asked for. `tile`, in ms, divides every window. */
export function collect<Event>(view: string, tile: number): Collected<Event> {
  const series: Functions<Event, number> = [];
  const distinct: Functions<Event, string> = [];
  const latest: Functions<Event, string> = [];
  const registers: number[] = [];
  const lengths: number[] = [];
  const readers = { over: readOver(view, tile) };
  const over = (options: Over): number => readOptions(`A window of "${view}"`, options, readers).over;
  const number =
    (kind: 'sum' | 'min' | 'max' | 'mean' | 'last') =>
    (value: (event: Event) => number, options: Over): WindowType<number> =>
      typeOf({ kind, over: over(options), of: placeOf(view, series, value) }, 'float64');
  const on: On<Event> = {
    count: (options) => typeOf({ kind: 'count', over: over(options) }, 'int'),
    sum: number('sum'),
    min: number('min'),
    max: number('max'),
    mean: number('mean'),
    last: number('last'),
    distinct: (value, options) => {
      const known = { ...readers, registers: readRegisters };
      const read = readOptions(`A window of "${view}"`, options, known);
      const of = placeOf(view, distinct, value);
      registers[of] = Math.max(registers[of] ?? 0, read.registers);
      return typeOf({ kind: 'distinct', over: read.over, of }, 'int');
    },
    latest: (value, options) => {
      const { n } = readOptions(`The latest events of "${view}"`, options, LATEST);
      const of = placeOf(view, latest, value);
      lengths[of] = Math.max(lengths[of] ?? 0, n);
      return typeOf({ kind: 'latest', n, of }, 'list');
    },
  };
  const plan = (): WindowPlan => ({ series: series.length, distinct: registers, latest: lengths });
  return { on, plan, extractors: { series, distinct, latest } };
}

function typeOf<Out>(aggregate: Aggregate, kind: 'int' | 'float64' | 'list'): WindowType<Out> {
  return {
    kind,
    aggregate,
    isOptional: false,
    optional: () => {
      throw new MisuseError('A feature of a window is never optional; leave out .optional().');
    },
  };
}

/** The place of a function, which is given one if it has none. */
function placeOf<F>(view: string, functions: F[], value: F): number {
  if (typeof value !== 'function') {
    throw new MisuseError(`A feature of the windows "${view}" takes a function of an event first.`);
  }
  const found = functions.indexOf(value);
  return found >= 0 ? found : functions.push(value) - 1;
}

const MOST_TILES = 10_000;

function readOver(view: string, tile: number): Reader<number> {
  const whole = duration({ min: tile, max: tile * MOST_TILES });
  return (option, value) => {
    const over = whole(option, value);
    if (over % tile === 0) return over;
    throw new MisuseError(`A window of "${view}" is a multiple of its tile, ${tile} ms, long; got ${over}.`);
  };
}
