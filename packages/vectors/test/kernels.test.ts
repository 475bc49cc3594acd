/** The kernels in WebAssembly against those in plain TypeScript. */
import { seededRandom } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { SlotSet } from '../src/index/slot-set.js';
import { VectorStore } from '../src/index/store.js';
import { METRICS, type Metric } from '../src/kernel/layout.js';
import { vectorMaker } from './vectors.js';

interface Case {
  readonly dimensions: number;
  readonly metric: Metric;
  readonly lists: number;
  readonly offset: number;
}

const CASES: Case[] = METRICS.flatMap((metric) => [
  { dimensions: 32, metric, lists: 1, offset: 0.3 },
  { dimensions: 96, metric, lists: 6, offset: 2 },
  { dimensions: 384, metric, lists: 9, offset: 0.3 },
]).concat([
  { dimensions: 1_536, metric: 'cosine', lists: 4, offset: 1 },
  { dimensions: 4_096, metric: 'l2', lists: 2, offset: 1.5 },
]);

const STORED = 50;
const QUERIES = 6;

/** The same vectors in two stores, by either kind of kernels. */
function twins({ dimensions, metric, lists, offset }: Case) {
  const random = seededRandom(dimensions + lists);
  const maker = vectorMaker(dimensions, dimensions, offset);
  const signs = Float32Array.from({ length: 4 * dimensions }, () => (random.unit() < 0.5 ? -1 : 1));
  const vectors = Array.from({ length: STORED + QUERIES }, () => {
    const vector = maker.next();
    const length = metric === 'l2' ? 1 : Math.hypot(...vector);
    return { values: vector.map((value) => value / length), length };
  });
  const [fast, plain] = [false, true].map((isPlain) => {
    const options = { dimensions, metric, signs, limit: 2 ** 28, plain: isPlain };
    const none = new Float32Array(dimensions);
    const turning = new VectorStore({ ...options, centroids: none }, none).memory;
    const turned = vectors.map(({ values }) => turning.turn(values));
    const centroids = new Float32Array(lists * dimensions);
    for (let list = 0; list < lists; list++) centroids.set(turned[list]!, list * dimensions);
    const store = new VectorStore({ ...options, centroids }, none);
    turned.slice(0, STORED).forEach((vector, entry) => {
      store.put(entry, vector, vectors[entry]!.length);
    });
    return { store, queries: turned.slice(STORED) };
  });
  return { fast: fast!, plain: plain! };
}

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe.each(CASES)('with $dimensions dimensions, $metric, $lists lists', (each) => {
  const { fast, plain } = twins(each);

  it('turn, assign and encode alike', () => {
    const turned = fast.queries.map((query, i) => furthest(query, plain.queries[i]!));
    expect(Math.max(...turned)).toBeLessThan(1e-5);
    const [a, b] = [fast.store, plain.store];
    let different = 0;
    for (let entry = 0; entry < STORED; entry++) {
      expect(a.memory.listOf(a.slotOf(entry))).toBe(b.memory.listOf(b.slotOf(entry)));
      const [one, other] = [a, b].map((store) => {
        const out = new Float32Array(each.dimensions);
        store.read(entry, out);
        return out;
      });
      // Rounding may go either way where floats differ in their last bit.
      one!.forEach((value, j) => {
        if (Math.abs(value - other![j]!) > 1e-5) different += 1;
      });
    }
    expect(different).toBeLessThan(each.dimensions / 10);
  });

  it('find alike, with a filter and without, and so does a look at all', () => {
    for (const [i, query] of fast.queries.entries()) {
      const other = plain.queries[i]!;
      const third = fast.store.occupied.slots.filter((_, n) => n % 3 === i % 3);
      const slots = SlotSet.of(third, fast.store.memory.blocks);
      const answers = [
        { k: 10, lists: each.lists, slack: 0 },
        { k: 7, lists: 1, among: slots, slack: 0 },
        { k: 10, lists: 1, among: slots, isAll: true, slack: 0 },
        {
          k: STORED,
          lists: 1,
          least: fast.store.find(query, { k: 10, lists: 9, slack: 0 })[0]!.score,
          slack: 0.1,
        },
      ].map((ask) => [fast.store.find(query, ask), plain.store.find(other, ask)] as const);
      for (const [found, wanted] of answers) {
        const scores = (of: typeof found): number[] => of.map(({ score }) => score).sort((x, y) => y - x);
        const [a, b] = [scores(found), scores(wanted)];
        expect(a.length).toBe(b.length);
        const scale = Math.max(...b.map(Math.abs));
        expect(furthest(a, b)).toBeLessThan(1e-3 * scale);
      }
    }
  });

  it('add points to the sums of their lists alike, an even number of them and an odd one', () => {
    const { dimensions, lists } = each;
    for (const n of [4, 5]) {
      const [one, other] = [fast, plain].map(({ store, queries }) => {
        const { memory } = store;
        const [points, scales] = [memory.take(2 * n * dimensions), memory.take(4 * n)];
        const sums = memory.take(4 * lists * (dimensions + 1));
        for (const [i, query] of queries.slice(0, n).entries()) {
          memory.write(memory.scratch, query);
          const scale = memory.kernel.scaleOf(memory.scratch);
          memory.kernel.toInt16(memory.scratch, points + 2 * i * dimensions, scale);
          memory.floats[scales / 4 + i] = scale;
        }
        memory.kernel.accumulate(points, scales, n, sums);
        const [from, counts] = [sums / 4, sums / 4 + lists * dimensions];
        return {
          sums: memory.floats.slice(from, counts),
          counts: memory.words.slice(counts, counts + lists),
        };
      });
      expect(one!.counts).toEqual(other!.counts);
      expect(one!.counts.reduce((sum, count) => sum + count)).toBe(n);
      expect(furthest(one!.sums, other!.sums)).toBeLessThan(1e-3);
    }
  });

  it('estimate within their stated width: a row is near to what it was made of', () => {
    const { store, queries } = fast;
    let [sum, count] = [0, 0];
    for (const query of queries) {
      for (const { score, slot } of store.find(query, { k: 100, lists: each.lists, slack: 0 })) {
        const vector = new Float32Array(each.dimensions);
        store.read(store.memory.entryOf(slot), vector);
        const product = vector.reduce((all, value, j) => all + value * query[j]!, 0);
        const square = vector.reduce((all, value, j) => all + (value - query[j]!) ** 2, 0);
        const length = store.memory.shareOf(slot);
        const wanted = { cosine: product, ip: product * length, l2: -square / 2 }[each.metric];
        sum += Math.abs(score - wanted) / Math.max(1e-9, Math.abs(wanted));
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(100);
    expect(sum / count).toBeLessThan(0.02);
  });
});

it('sums do not overflow for vectors of equal coordinates, at 4,096 dimensions', () => {
  const dimensions = 4_096;
  const signs = new Float32Array(4 * dimensions).fill(1);
  const none = new Float32Array(dimensions);
  const store = new VectorStore(
    { dimensions, metric: 'cosine', signs, limit: 2 ** 28, plain: false, centroids: none },
    none,
  );
  const equal = new Float32Array(dimensions).fill(1 / Math.sqrt(dimensions));
  store.put(0, equal, 1);
  const [found] = store.find(equal, { k: 1, lists: 1, slack: 0 });
  expect(found?.score).toBeCloseTo(1, 2);
});

it('nor do they after a list was added whose centroid is longer than all before, at 4,096 dimensions', () => {
  const dimensions = 4_096;
  const signs = new Float32Array(4 * dimensions).fill(1);
  const none = new Float32Array(dimensions);
  const store = new VectorStore(
    { dimensions, metric: 'l2', signs, limit: 2 ** 28, plain: false, centroids: none },
    none,
  );
  const near = new Float32Array(dimensions).fill(0.01);
  store.put(0, near, 1);
  const far = new Float32Array(dimensions).fill(5);
  const list = store.memory.lists.add(far);
  store.put(1, far, 1);
  expect([store.slotOf(0), store.slotOf(1)].map((slot) => store.memory.listOf(slot))).toEqual([0, list]);
  for (const [entry, query] of [near, far].entries()) {
    const found = store
      .named(store.find(query, { k: 2, lists: 2, slack: 0 }))
      .sort((a, b) => b.score - a.score);
    expect(found.map((each) => each.entry)).toEqual([entry, 1 - entry]);
    // In parts of the squares of both, 102,400, as precise as numbers of 32 bits.
    expect(Math.abs(found[0]?.score ?? Number.NaN)).toBeLessThan(20);
  }
});
