/** Filters, counts and facets against a look at each document, while documents come, change and go. */
import { MisuseError, type Random, seededRandom } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { Documents } from '../src/follow/documents.js';
import { GenerationIndex } from '../src/follow/generation-index.js';
import { facetsOf } from '../src/query/browse.js';
import { conditionOf } from '../src/query/filter.js';
import { countedBy, matchesBy } from './filter-oracle.js';
import { exactScore, vectorMaker } from './vectors.js';

const SCHEMA = { kind: 'tag', labels: 'tag', size: 'number', place: 'geo' } as const;
const SEED = Number(process.env['SEED'] ?? Date.now() % 100_000);

interface Made {
  readonly attributes: Record<string, unknown>;
  readonly vectors: readonly Float32Array[];
}

const picked = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.unit() * from.length)]!;
const whole = (random: Random, below: number): number => Math.floor(random.unit() * below);

/** The poles, the 180th meridian, both sides of it, and anywhere. */
const position = (random: Random): { lat: number; lon: number } => ({
  lat: picked(random, [90, -90, 0, -0, 10 * whole(random, 19) - 90, 180 * random.unit() - 90]),
  lon: picked(random, [180, -180, 0, 179.9, -179.9, 10 * whole(random, 37) - 180, 360 * random.unit() - 180]),
});

function areaBy(random: Random): Record<string, unknown> {
  const [one, other] = [position(random), position(random)];
  const radius = picked(random, [0, 3e7, 20_015_114.4 - 2e6 * random.unit(), 1.9e7 * random.unit() ** 2]);
  const [south, north] = [Math.min(one.lat, other.lat), Math.max(one.lat, other.lat)];
  const near = { ...one, radius };
  const box = { south, west: one.lon, north, east: picked(random, [other.lon, one.lon, 180]) };
  return picked(random, [
    { near },
    { box },
    { box: { ...box, west: -180 } },
    { near: { ...near, ...other }, box },
  ]);
}

/** Common and rare values, several, none, the same twice, and what is not of the schema's kind. */
function attributesBy(random: Random): Record<string, unknown> {
  const labels = Array.from({ length: whole(random, 4) }, () => `l${whole(random, 300)}`);
  return {
    ...(random.unit() < 0.9 && {
      kind: picked(random, ['a', 'a', 'a', 'b', 'c', `rare${whole(random, 500)}`, 7]),
    }),
    ...(random.unit() < 0.8 && {
      labels: [...labels, ...labels.slice(0, 1), ...(random.unit() < 0.1 ? [5, null] : [])],
    }),
    ...(random.unit() < 0.8 && {
      size: picked(random, [whole(random, 1_000), -0, 0.5, 1e300, 'large', null]),
    }),
    ...(random.unit() < 0.9 && {
      place:
        random.unit() < 0.9
          ? position(random)
          : picked(random, [null, 'here', { lat: 91, lon: 0 }, { lat: 1 }]),
    }),
  };
}

function filterBy(random: Random, depth = 0): Record<string, unknown> {
  const inner = (): Record<string, unknown> => filterBy(random, depth + 1);
  const tags = Array.from({ length: whole(random, 3) }, () => `l${whole(random, 300)}`);
  const all: (() => Record<string, unknown>)[] = [
    () => ({ kind: picked(random, ['a', 'b', 'c', 'rare5', 'none']) }),
    () => ({ labels: { in: tags } }),
    () => ({ labels: { not: picked(random, ['l1', tags]) } }),
    () => ({ kind: { in: ['a', 'b'], not: 'b' } }),
    () => ({ size: picked(random, [0, 5, 0.5, 1e300]) }),
    () => ({ size: { gte: whole(random, 1_000), lt: whole(random, 1_000) } }),
    () => ({ size: { gt: whole(random, 1_000) }, kind: 'a' }),
    () => ({ size: { lte: whole(random, 20) } }),
    () => ({ size: { gt: picked(random, [0, -1, 0.5]), lt: picked(random, [0, 0.5, 7, 1e300]) } }),
    () => ({}),
    () => ({ place: areaBy(random) }),
    () => ({ place: areaBy(random), kind: 'a' }),
    () => ({ not: { place: areaBy(random) } }),
  ];
  const deep = [
    () => ({ and: [inner(), inner()] }),
    () => ({ or: [inner(), inner()] }),
    () => ({ not: inner(), size: { gte: 0 } }),
    () => ({ or: [] }),
  ];
  return picked(random, depth < 2 ? [...all, ...deep, ...deep] : all)();
}

describe(`what a filter selects, seed ${SEED}`, () => {
  const random = seededRandom(SEED);
  const maker = vectorMaker(SEED, 32);
  const documents = new Documents(SCHEMA);
  const index = new GenerationIndex('1', 'm', { '': { dimensions: 32, random } });
  const made = new Map<string, Made>();

  const put = (id: string, attributes: Record<string, unknown>, vector: Float32Array): void => {
    const number = documents.set({ id, attributes, sequence: 1, logged: 1, expiry: 0, time: 0 });
    const vectors = id.endsWith('0') ? [vector, maker.next(), vector] : [vector];
    index.replace({ id, number }, [vectors]);
    made.set(id, { attributes, vectors });
  };
  const change = (): void => {
    const id = `d${whole(random, 1_500)}`;
    const before = made.get(id);
    if (before && random.unit() < 0.4) {
      documents.delete(id);
      index.delete(id);
      made.delete(id);
    } else {
      put(id, attributesBy(random), before && random.unit() < 0.5 ? before.vectors[0]! : maker.next());
    }
  };

  const idsBy = (filter: unknown): string[] =>
    [...made].flatMap(([id, { attributes }]) => (matchesBy(filter, attributes, SCHEMA) ? [id] : [])).sort();

  const filters = Array.from({ length: 30 }, () => filterBy(random));

  it('is what matches, and so is what is counted of it', () => {
    let filter: unknown;
    for (let round = 0; round < 160; round += 1) {
      for (let n = 0; n < (round < 40 ? 100 : 1); n += 1) change();
      if (round % 8 === 0) filter = picked(random, filters); // the same ones again, after other changes
      const selection = documents.select(conditionOf(filter, SCHEMA));
      const ids = documents.of(selection).map(({ id }) => id);
      const why = `${JSON.stringify(filter)}, round ${round}`;
      expect(ids.sort(), why).toEqual(idsBy(filter));
      expect(selection.count, why).toBe(ids.length);
      const some = ids.map((id) => made.get(id)!.attributes);
      for (const name of ['kind', 'labels', 'size']) {
        expect(facetsOf(documents, selection, [name])[name], why).toEqual(countedBy(name, some, SCHEMA));
      }
    }
  });

  it('is among what a search finds, and all of it if that is little', () => {
    for (let round = 0; round < 60; round += 1) {
      for (let n = 0; n < 10; n += 1) change();
      const filter = filterBy(random);
      const wanted = new Set(idsBy(filter));
      const query = maker.next();
      const selected = documents.select(conditionOf(filter, SCHEMA));
      const how = {
        name: '',
        most: 20,
        minScore: undefined,
        selected,
        all: () => documents.select(undefined),
      };
      const [one] = wanted;
      for (const when of ['at first', 'once one is nearer']) {
        if (when !== 'at first' && one !== undefined) {
          const { number, attributes } = documents.get(one)!;
          index.replace({ id: one, number }, [[query]]);
          made.set(one, { attributes, vectors: [query] });
        }
        const hits = index.nearest(query, how);
        const why = `${JSON.stringify(filter)}, round ${round}, ${when}`;
        expect(
          hits.filter(({ id }) => !wanted.has(id)),
          why,
        ).toEqual([]);
        expect(hits.length, why).toBe(Math.min(20, wanted.size));
        expect(new Set(hits.map(({ id }) => id)).size, why).toBe(hits.length);
        if (wanted.size > 40) continue;
        // Its own vector is no nearer than what the hit says.
        const scores = new Map(hits.map(({ id, score }) => [id, score]));
        const last = hits.at(-1)?.score ?? 1;
        for (const id of wanted) {
          const { vectors } = made.get(id)!;
          const own = Math.max(...vectors.map((vector) => exactScore('cosine', query, vector)));
          expect(scores.get(id) ?? last, `${id} of ${why}`).toBeGreaterThan(own - 0.03);
        }
      }
    }
  });

  it('takes next to no memory once all documents are gone, and little while they are there', () => {
    expect(documents.columnBytes).toBeLessThan(1_500 * 128);
    for (const id of made.keys()) documents.delete(id);
    expect(documents.select(undefined).count).toBe(0);
    const { tag } = { tag: documents.columns.tag('labels') };
    expect(tag.bytes).toBe(0);
  });
});

it('a circle ends where it says, by a hand, also at the other end of the earth', () => {
  const documents = new Documents({ place: 'geo' });
  const places = { pole: [90, 10], beside: [90 - 1e-6, 10], end: [-1e-6, -180] } as const;
  for (const [id, [lat, lon]] of Object.entries(places))
    documents.set({ id, attributes: { place: { lat, lon } }, sequence: 1, logged: 1, expiry: 0, time: 0 });
  const idsIn = (lat: number, lon: number, radius: number): string[] =>
    documents
      .of(documents.select(conditionOf({ place: { near: { lat, lon, radius } } }, { place: 'geo' })))
      .map(({ id }) => id);
  expect(idsIn(90, -77, 0)).toEqual(['pole']);
  expect(idsIn(90, -77, 0.111)).toEqual(['pole']); // a millionth of a degree is 0.1112 m
  expect(idsIn(90, -77, 0.1113)).toEqual(['pole', 'beside']);
  const half = Math.PI * 6_371_008.8;
  expect(idsIn(0, 0, half - 0.112)).toEqual(['pole', 'beside']);
  expect(idsIn(0, 0, half - 0.111)).toEqual(['pole', 'beside', 'end']);
});

it('a filter that cannot be meant is refused, with what it is', () => {
  for (const [filter, words] of [
    [{ colour: 'red' }, /"colour", which the schema does not have; it has kind, labels, size, place/],
    [{ place: 'here' }, /filter on "place" is \{ near: .* \}; got "here"/],
    [{ place: { near: undefined, in: [] } }, /\}; got "near, in"/],
    [{ place: { near: { lat: 91, lon: 0, radius: 1 } } }, /"lat" in "near" of .* from -90 to 90; got 91/],
    [{ place: { near: { lat: 0, lon: Number.NaN, radius: 1 } } }, /"lon" in .* got NaN/],
    [{ place: { near: { lat: 0, lon: 0 } } }, /"radius" in .* metres, from 0; got undefined/],
    [{ place: { near: { lat: 0, lon: 0, radius: -1 } } }, /"radius" in .* got -1/],
    [{ place: { near: { lat: 0, lon: 0, radius: 1, unit: 'km' } } }, /lat, lon, radius; got "unit"/],
    [{ place: { box: { south: 1, west: 0, north: 0, east: 0 } } }, /south, 1, north of its north, 0/],
    [{ place: { box: { south: 0, west: 0, north: 1, east: 181 } } }, /"east" in .* to 180; got 181/],
    [{ place: { box: [0, 0, 1, 1] } }, /"box" of .* is an object with south, west, north, east/],
    [{ kind: { like: 'a' } }, /object with in, not; got "like"/],
    [{ kind: { not: null } }, /"not" of the filter on "kind" is a list of texts; got null/],
    [{ size: { gte: Number.NaN } }, /"gte" of the filter on "size" is a finite number; got NaN/],
    [{ or: {} }, /"or" of a filter is a list of filters/],
    [[], /A filter is an object/],
  ] as const) {
    expect(() => conditionOf(filter, SCHEMA)).toThrow(MisuseError);
    expect(() => conditionOf(filter, SCHEMA)).toThrow(words);
  }
});
