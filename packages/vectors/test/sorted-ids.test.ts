/** Ids in their order, beside a set that is sorted anew for each question. */
import { expect, it } from 'vitest';
import { SortedIds } from '../src/follow/sorted-ids.js';

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

it('has what was added and not removed, in order, from any id on', () => {
  const seed = Date.now() % 1_000_000;
  const random = randomFrom(seed);
  const idOf = (n: number): string => (n % 7 === 0 ? `é${n}` : `d${n}`);
  const expected = new Set(Array.from({ length: 1_500 }, (_, n) => idOf(3 * n)));
  const sorted = new SortedIds(expected);
  for (let round = 0; round < 60; round += 1) {
    const [adds, range] = [round % 20 < 10, round < 40 ? 20_000 : 300];
    for (let step = 0; step < 150; step += 1) {
      const id = idOf(random(range));
      const isAdded = adds ? random(4) > 0 : random(4) === 0;
      if (isAdded) expected.add(id);
      else expected.delete(id);
      if (isAdded) sorted.add(id);
      else sorted.delete(id);
    }
    const all = [...expected].sort();
    expect([...sorted.after(undefined)], `seed ${seed}, round ${round}`).toEqual(all);
    for (const from of [idOf(random(20_000)), all[random(all.length)] ?? '', '', '\uffff']) {
      const found = [...sorted.after(from)];
      expect(found, `seed ${seed}, round ${round}, after ${from}`).toEqual(all.filter((id) => id > from));
    }
  }
  for (const id of expected) sorted.delete(id);
  expect([...sorted.after(undefined)]).toEqual([]);
  sorted.add('one');
  expect([...sorted.after('')]).toEqual(['one']);
});
