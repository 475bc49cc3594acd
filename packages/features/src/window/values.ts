/**
 * The values of windows at an instant, from the ring of an entity.
 *
 * Guarantees: a window of the length `over` consists of the tile of the instant and the tiles before it, as many as make
 * up `over`; nothing else is counted. So it reaches back by `over` less at most one tile.
 */
import type { Aggregate } from '../definition/aggregates.js';
import type { RingShape } from '../definition/stored.js';
import { estimate } from './distinct.js';
import { type Ring, tileAt } from './ring.js';
import { addTile, emptyTile, type Tile } from './tile.js';

/** The value of each feature at `now`, in microseconds, in their order. */
export function windowValues(
  ring: Ring,
  shape: RingShape,
  aggregates: readonly Aggregate[],
  now: number,
): unknown[] {
  const sums = new Map<number, Tile>(); // one for each length
  return aggregates.map((aggregate) => {
    if (aggregate.kind === 'latest') {
      const latest = ring.latest[aggregate.of] ?? [];
      return latest.slice(0, aggregate.n).map(({ text }) => text);
    }
    const sum = sums.get(aggregate.over) ?? windowOf(ring, shape, aggregate.over, now);
    sums.set(aggregate.over, sum);
    return valueOfWindow(sum, shape, aggregate);
  });
}

/** All events of a window, as one tile. */
function windowOf(ring: Ring, shape: RingShape, over: number, now: number): Tile {
  const latest = tileAt(shape, now);
  const window = emptyTile(shape.plan, latest);
  for (let number = Math.max(0, latest - over / shape.tile + 1); number <= latest; number += 1) {
    const tile = ring.tiles[number % shape.tiles];
    if (tile?.number === number) addTile(window, tile);
  }
  return window;
}

function valueOfWindow(
  window: Tile,
  { plan }: RingShape,
  aggregate: Exclude<Aggregate, { kind: 'latest' }>,
): number | null {
  if (aggregate.kind === 'count') return window.count;
  if (aggregate.kind === 'distinct') {
    const from = plan.distinct.slice(0, aggregate.of).reduce((sum, each) => sum + each, 0);
    return estimate(window.registers.subarray(from, from + (plan.distinct[aggregate.of] ?? 0)));
  }
  const series = window.series[aggregate.of];
  if (series === undefined || window.count === 0) return aggregate.kind === 'sum' ? 0 : null;
  return aggregate.kind === 'mean' ? series.sum / window.count : series[aggregate.kind];
}
