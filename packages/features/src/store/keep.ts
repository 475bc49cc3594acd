/**
 * Dropping what a log has kept for long enough: `history: { keep }` of the views.
 *
 * Guarantees: nothing is dropped that is younger than what any view keeps, nor what an exporter has just read to move it. What
 * is dropped before it was exported is told as lost, by exporters and training sets.
 */
import type { Clock, Timer } from '@holdfast/kernel';
import { forgetEnded } from '../generation/ended.js';
import type { Catalog } from './catalog.js';
import { inventoryOf } from './erase.js';
import type { Partition } from './partition.js';

/** How often that is looked after, in ms. */
const EVERY = 60_000;
/** Entries that one call drops, about. */
const MOST = 1_000;

/** For how long the log keeps an entry, in ms; undefined where a view keeps it until it is exported. Throws UnavailableError. */
async function keepOf(catalog: Catalog): Promise<number | undefined> {
  const logged = (await inventoryOf(catalog)).filter(({ stored }) => stored.history);
  const keeps = logged.flatMap(({ stored }) => stored.keep ?? []);
  return keeps.length === 0 || keeps.length < logged.length ? undefined : Math.max(...keeps);
}

/** Resolves to how many entries were dropped. Throws UnavailableError. */
export async function dropOld(catalog: Catalog, partitions: readonly Partition[]): Promise<number> {
  const keep = await keepOf(catalog);
  if (keep === undefined) return 0;
  let dropped = 0;
  for (const partition of partitions) {
    for (;;) {
      const count = await partition.call(partition.verbs.fall, { keep, most: MOST });
      dropped += count;
      if (count === 0) break;
    }
  }
  if (dropped > 0) await forgetEnded(catalog, partitions, await catalog.mirror());
  return dropped;
}

/** Does so now and then, from `begin` until `end`. */
export class Keeping {
  readonly #drop: () => Promise<unknown>;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(clock: Clock, drop: () => Promise<unknown>) {
    this.#clock = clock;
    this.#drop = drop;
  }

  begin(): void {
    if (this.#isOver) return;
    this.#timer ??= this.#clock.after(EVERY, () => {
      const next = (): void => {
        this.#timer = undefined;
        this.begin();
      };
      // What was not dropped is dropped the next time.
      this.#drop().then(next, next);
    });
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }
}
