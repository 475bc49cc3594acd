/** Additions to windows, as a lane makes them. */
import type { WindowsView } from '../src/definition/windows.js';
import { unpackRows } from '../src/row/pack.js';
import { type Addition, readAddition } from '../src/window/ring.js';
import { Sums } from '../src/window/sums.js';
import type { Contribution } from '../src/window/tile.js';

/** Those of contributions to one entity, in the order of the first one of each tile. */
export function additionsOf(view: WindowsView, events: readonly Contribution[]): readonly Addition[] {
  const sums = new Sums(view);
  for (const event of events) sums.add('u1', event, event.source);
  return unpackRows(sums.packed()).map((bytes) => readAddition(Buffer.from(bytes), view.plan) as Addition);
}
