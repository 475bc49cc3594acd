/**
 * How many lists a search has to look at for a recall: measured on the latest queries, or, as long as there are few, on
 * stored vectors with noise, and then doubled, because questions are less like documents than documents are.
 */
import type { Clock, Random } from '@holdfast/kernel';
import { Slices } from './slices.js';
import type { VectorStore } from './store.js';

const QUERIES = 200;
const NEAREST = 10;

export interface Calibration {
  readonly lists: number;
  /** What was measured with so many lists. */
  readonly recall: number;
  readonly of: 'queries' | 'stored vectors';
}

/** The latest queries, in turned space. */
export class LatestQueries {
  readonly #queries: Float32Array[] = [];
  #next = 0;

  add(query: Float32Array): void {
    this.#queries[this.#next] = query;
    this.#next = (this.#next + 1) % QUERIES;
  }

  get all(): readonly Float32Array[] | undefined {
    return this.#queries.length === QUERIES ? this.#queries : undefined;
  }
}

interface CalibrateParts {
  readonly latest: LatestQueries;
  readonly random: Random;
  readonly clock: Clock;
}

export async function calibrate(
  store: VectorStore,
  recall: number,
  { latest, random, clock }: CalibrateParts,
): Promise<Calibration> {
  const entries = store.entries;
  const most = store.memory.lists.live;
  if (entries.length === 0 || most === 1) return { lists: 1, recall: 1, of: 'stored vectors' };
  const ways: number[] = [];
  for (let lists = 4; lists < most; lists = Math.ceil(lists * 1.4)) ways.push(lists);
  ways.push(most);
  const queries = latest.all;
  const sums = new Float64Array(ways.length);
  const slices = new Slices(clock);
  for (let i = 0; i < QUERIES; i++) {
    const query = queries?.[i] ?? noisy(store, entries, random);
    // All lists by their codes miss one in a thousand, and take a tenth of the time of all rows.
    const all = store.find(query, { k: NEAREST, lists: most, slack: 0 });
    const wanted = new Set(all.map(({ slot }) => slot));
    let part = 0;
    for (const [w, lists] of ways.entries()) {
      if (part < 1) {
        const hits = store
          .find(query, { k: NEAREST, lists, slack: 0 })
          .filter(({ slot }) => wanted.has(slot));
        part = hits.length / wanted.size;
      }
      sums[w]! += part;
    }
    await slices.next();
  }
  const way = sums.findIndex((sum) => sum >= recall * QUERIES);
  const enough = way < 0 ? ways.length - 1 : way;
  const lists = ways[enough]!;
  return {
    lists: queries ? lists : Math.min(most, 2 * lists),
    recall: sums[enough]! / QUERIES,
    of: queries ? 'queries' : 'stored vectors',
  };
}

/** A stored vector with noise half as long as its distance to its centroid. */
function noisy(store: VectorStore, entries: readonly number[], random: Random): Float32Array {
  const entry = entries[Math.floor(random.unit() * entries.length)]!;
  const vector = new Float32Array(store.memory.shape.dimensions);
  // It may be gone since: then the origin is as good.
  if (!store.has(entry)) return vector;
  store.read(entry, vector);
  const size = (0.5 * store.distanceToCentroid(entry)) / Math.sqrt(vector.length);
  return vector.map((value) => value + size * gauss(random));
}

function gauss(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
}
