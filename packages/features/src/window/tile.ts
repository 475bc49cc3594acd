/**
 * A tile: the events of one entity in one span of time, summed up. An addition, which is sent to Redis, is a tile, too.
 *
 * Guarantees: counts, minima, maxima, last values and registers are the same in whatever order and in however many
 * parts events are summed up; sums differ in their last bits at most.
 */
import type { WindowPlan } from '../definition/aggregates.js';
import { merge } from './distinct.js';

/** A number of each event, summed up. */
interface Series {
  sum: number;
  min: number;
  max: number;
  /** Of the last event: its time in microseconds, its place in its source, and its number. */
  time: number;
  sequence: number;
  last: number;
}

export interface Tile {
  /** The span of time: the event time divided by the length of a tile. */
  readonly number: number;
  count: number;
  readonly series: readonly Series[];
  /** Those of every distinct count, one after the other. */
  readonly registers: Uint8Array;
}

/** What an event contributes. */
export interface Contribution {
  readonly time: number;
  readonly source: number;
  readonly sequence: number;
  readonly second: number;
  readonly index: number;
  readonly numbers: readonly number[];
  /** A text for each distinct count. */
  readonly distinct: readonly string[];
  /** A text for each list of latest events. */
  readonly latest: readonly string[];
}

export const registersOf = ({ distinct }: WindowPlan): number =>
  distinct.reduce((sum, each) => sum + each, 0);

export function emptyTile(plan: WindowPlan, number: number): Tile {
  return {
    number,
    count: 0,
    series: Array.from({ length: plan.series }, () => ({
      ...{ sum: 0, min: Infinity, max: -Infinity },
      ...{ time: -1, sequence: -1, last: 0 },
    })),
    registers: new Uint8Array(registersOf(plan)),
  };
}

/** Adds the events of another tile of the same span. */
export function addTile(tile: Tile, added: Tile): void {
  tile.count += added.count;
  tile.series.forEach((series, at) => {
    addSeries(series, added.series[at] as Series);
  });
  merge(tile.registers, added.registers);
}

function addSeries(series: Series, added: Series): void {
  series.sum += added.sum;
  series.min = Math.min(series.min, added.min);
  series.max = Math.max(series.max, added.max);
  const isLater = added.time - series.time || added.sequence - series.sequence;
  if (isLater < 0) return;
  series.time = added.time;
  series.sequence = added.sequence;
  series.last = added.last;
}

/** The bytes of a tile: number, count, six numbers for each series, and the registers. */
export const tileBytes = (plan: WindowPlan): number => 16 + 48 * plan.series + registersOf(plan);

const SERIES = ['sum', 'min', 'max', 'time', 'sequence', 'last'] as const;

export function writeTile(into: Buffer, at: number, tile: Tile): void {
  let end = into.writeDoubleLE(tile.number, at);
  end = into.writeDoubleLE(tile.count, end);
  for (const series of tile.series) {
    for (const part of SERIES) end = into.writeDoubleLE(series[part], end);
  }
  into.set(tile.registers, end);
}

export function readTile(from: Buffer, at: number, plan: WindowPlan): Tile {
  const tile = emptyTile(plan, from.readDoubleLE(at));
  tile.count = from.readDoubleLE(at + 8);
  let place = at + 16;
  for (const series of tile.series) {
    for (const part of SERIES) {
      series[part] = from.readDoubleLE(place);
      place += 8;
    }
  }
  tile.registers.set(from.subarray(place, place + tile.registers.length));
  return tile;
}
