/** Namespaces: each answers with its own vectors only, whatever ids others have, and as well as an index of its own would. */
import { MisuseError, seededRandom } from '@holdfast/kernel';
import { createLocalIndex, restoreLocalIndex } from '@holdfast/vectors';
import { expect, it } from 'vitest';
import { exactScore, nearestOf, vectorMaker } from './vectors.js';

const DIMENSIONS = 32;
const { SEED } = process.env;
const SEEDS = SEED ? [Number(SEED)] : [Math.floor(Math.random() * 2 ** 31)];
const TENANTS = ['', 'a', 'b', 'a1', 'ä'];

it.each(SEEDS)(
  'share no id, through puts, deletes, training, threads and a snapshot: seed %d',
  async (seed) => {
    const random = seededRandom(seed);
    const maker = vectorMaker(seed, DIMENSIONS);
    const options = { dimensions: DIMENSIONS, originals: true, threads: 1, random };
    let index = createLocalIndex(options);
    const of = (name: string) => (name === '' ? index : index.namespace(name));
    const models = new Map(TENANTS.map((name) => [name, new Map<string, Float32Array>()]));
    const change = (count: number): void => {
      for (let n = 0; n < count; n++) {
        // The last ones have few.
        const name = TENANTS[Math.floor(random.unit() ** 3 * TENANTS.length)]!;
        const model = models.get(name)!;
        const id = `1${Math.floor(random.unit() * 4_000)}`;
        if (random.unit() < 0.15) expect(of(name).delete(id)).toBe(model.delete(id));
        else {
          const vector = maker.next();
          of(name).put(id, vector);
          model.set(id, vector);
        }
      }
    };
    const check = async (): Promise<void> => {
      let [found, wanted] = [0, 0];
      for (const [name, model] of models) {
        expect(of(name).size).toBe(model.size);
        const queries = Array.from({ length: 4 }, () => maker.next());
        const all = await of(name).searchMany(queries, { exact: true });
        queries.forEach((query, i) => {
          const hits = of(name).search(query, { exact: true });
          expect(all[i]).toEqual(hits);
          expect(hits).toHaveLength(Math.min(10, model.size));
          for (const { id, score } of hits) {
            expect(score).toBeCloseTo(exactScore('cosine', query, model.get(id) as Float32Array), 10);
          }
          const nearest = new Set(nearestOf('cosine', query, model));
          found += hits.filter(({ id }) => nearest.has(id)).length;
          wanted += nearest.size;
        });
        const odd = of(name).search(queries[0]!, { filter: (id) => id.endsWith('7'), limit: 4_096 });
        expect(odd.length).toBe([...model.keys()].filter((id) => id.endsWith('7')).length);
      }
      expect(found / wanted).toBeGreaterThan(0.97);
    };
    change(1_000);
    await check();
    change(6_500);
    await index.train();
    expect(index.stats().lists).toBeGreaterThan(1);
    change(1_500);
    await check();
    const before = index;
    index = await restoreLocalIndex(await before.snapshot(), options);
    await before.close();
    expect(index.namespaces).toEqual(before.namespaces);
    change(200);
    await check();
    expect(of('a').clear()).toBe(models.get('a')!.size);
    models.get('a')!.clear();
    expect(index.namespaces).toEqual(['a1', 'b', 'ä']);
    await check();
    await index.close();
  },
  60_000,
);

it('have names', () => {
  const index = createLocalIndex({ dimensions: 2 });
  for (const name of ['', 5, 'x'.repeat(513)]) {
    expect(() => index.namespace(name as string)).toThrow(MisuseError);
  }
  expect(index.namespace('a').search([1, 2])).toEqual([]);
  expect(index.namespaces).toEqual([]);
});
