/** What differs between definitions, and what stored rows can follow. */
import { entity, flags, service, t, view, windows } from '@holdfast/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compare, compareService, requireFollowable } from '../src/definition/change.js';
import { registryOf } from '../src/definition/registry.js';
import {
  describe as described,
  describeService,
  readView,
  type StoredView,
  writeDown,
} from '../src/definition/stored.js';
import type { Fields } from '../src/definition/types.js';

const user = entity('user');
const DAY = 86_400_000;
const profile = (fields: Fields, more: { ttl?: number; description?: string; version?: number } = {}) =>
  described(view('profile', { entity: user, fields, ...more }));
const base = { age: t.int(), tier: t.string() };

const counts = (tile: number, over: number) =>
  described(
    windows('clicks', {
      entity: user,
      tile,
      event: z.object({ user: z.string(), at: z.number() }),
      key: (e) => e.user,
      time: (e) => e.at,
      fields: (on) => ({ n: on.count({ over }) }),
    }),
  );

describe('a change of a definition', () => {
  it.each<[string, StoredView, string, [number, ...string[]]]>([
    ['the same, in another order', profile({ tier: t.string(), age: t.int() }), 'same', [1]],
    ['a field more', profile({ ...base, city: t.string() }), 'compatible', [2, 'fields.city']],
    [
      'a field that may be absent',
      profile({ ...base, age: t.int().optional() }),
      'compatible',
      [1, 'fields.age.optional'],
    ],
    ['a description', profile(base, { description: 'people' }), 'compatible', [1, 'description']],
    ['a TTL where there was none', profile(base, { ttl: DAY }), 'lossy', [1, 'ttl']],
    ['a field less', profile({ age: t.int() }), 'lossy', [2, 'fields.tier']],
    ['another type', profile({ ...base, age: t.float64() }), 'incompatible', [2, 'fields.age.kind']],
    ['another version', profile(base, { version: 2 }), 'incompatible', [1, 'version']],
    [
      'two things at once',
      profile({ ...base, age: t.string() }, { ttl: DAY }),
      'incompatible',
      [2, 'ttl', 'fields.age.kind'],
    ],
  ])('to %s', (_, declared, effect, [number, ...paths]) => {
    const change = compare(profile(base), declared);
    expect(change).toMatchObject({ effect });
    expect(change.differences.map(({ path }) => path)).toEqual(paths);
    expect(change.next.schemas.at(-1)?.number).toBe(number);
  });

  it('to another tile, window or kind of view is incompatible', () => {
    expect(compare(counts(60_000, DAY), counts(30_000, DAY)).effect).toBe('incompatible');
    expect(compare(counts(60_000, DAY), counts(60_000, 2 * DAY)).effect).toBe('incompatible');
    const bits = described(flags('profile', { entity: user, flags: ['age', 'tier'] }));
    expect(compare(profile(base), bits).effect).toBe('incompatible');
  });

  it('raises a TTL without force, and lowers it only with force', () => {
    const short = profile(base, { ttl: DAY });
    const long = profile(base, { ttl: 2 * DAY });
    expect(() => requireFollowable(compare(short, long), { force: false })).not.toThrow();
    expect(() => requireFollowable(compare(long, short), { force: true })).not.toThrow();
    expect(() => requireFollowable(compare(long, short), { force: false })).toThrow(
      'The view "profile" differs from the registered one. Values that are served now would be served no longer; apply it with force if that is meant.\n  ttl: registered 172800000, declared 86400000',
    );
    const other = compare(long, profile({ ...base, age: t.string() }));
    expect(() => requireFollowable(other, { force: true })).toThrow('begin a new generation');
  });

  it('keeps every earlier schema, and numbers that never come back', () => {
    const more = { ...base, city: t.string() };
    const one = compare(profile(base), profile(more)).next;
    const two = compare(one, profile(base)).next;
    expect(two.schemas.map(({ number, fields }) => [number, fields.length])).toEqual([
      [1, 2],
      [2, 3],
      [3, 2],
    ]);
    expect(two.schemas[0]?.seed).toBe(two.schemas[2]?.seed);
    expect(two.schemas[0]?.seed).not.toBe(two.schemas[1]?.seed);
  });
});

describe('a definition that is written down', () => {
  it('is the same text in whatever order its fields are named', () => {
    const names = ['a', 'B', 'c1', '_d', 'E'];
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: 5 }), (order) => {
        const fields = (all: string[]) => Object.fromEntries(all.map((name) => [name, t.int()]));
        expect(writeDown(profile(fields(order)))).toEqual(writeDown(profile(fields(names))));
      }),
    );
  });

  it('is read again', () => {
    const stored = profile({ ...base, taste: t.vector(3).optional() }, { ttl: DAY });
    expect(readView(writeDown(stored).text)).toEqual(stored);
    expect(readView(writeDown(counts(60_000, DAY)).text)).toEqual(counts(60_000, DAY));
  });

  it.each(['', '{}', '[1]', 'null', '{"format":2,"schemas":[]}'])('is refused as %s', (text) => {
    expect(() => readView(text)).toThrow('cannot read; update it');
  });

  it('is refused with a type that is not known', () => {
    const { text } = writeDown(profile(base));
    expect(() => readView(text.replaceAll('"int"', '"decimal"'))).toThrow('cannot read; update it');
  });
});

describe('the definitions of a program', () => {
  const one = view('one', { entity: user, fields: base });
  const other = view('one', { entity: user, fields: base });
  const ranking = service('ranking', { views: { one } });

  it('are found by name', () => {
    const registry = registryOf([one], [ranking]);
    expect(registry.views.get('one')).toBe(one);
    expect(registry.services.get('ranking@1')).toBe(ranking);
  });

  it.each<[string, () => unknown, string]>([
    ['two views of one name', () => registryOf([one, other], []), 'Two definitions are the view "one"'],
    ['a view that is missing', () => registryOf([], [ranking]), 'not among the views of the store'],
    ['another view of that name', () => registryOf([other], [ranking]), 'not among the views of the store'],
    ['what is no view', () => registryOf(['one' as never], []), 'Each view is a definition'],
    [
      'an entity with other parts',
      () => {
        const pair = entity('pair', [user, entity('product')]);
        const reversed = entity('pair', [entity('product'), user]);
        const views = [pair, reversed].map((of, at) => view(`v${at}`, { entity: of, fields: base }));
        return registryOf(views, []);
      },
      'another view takes it with user, product',
    ],
  ])('are refused with %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('keep a service as it is under its version, and say how another version differs', () => {
    const registered = describeService(ranking);
    const declared = describeService(service('ranking', { views: { two: one } }));
    expect(compareService([registered], registered)).toEqual({
      ...{ effect: 'same', comparedWith: 1, differences: [] },
    });
    expect(() => compareService([registered], declared)).toThrow('Give it version 2');
    const second = { ...declared, version: 2 };
    const differences = [{ path: 'views', registered: '{"one":"one"}', declared: '{"two":"one"}' }];
    expect(compareService([registered], second)).toEqual({ effect: 'new', comparedWith: 1, differences });
    // The one with the highest number is compared with, not the one that was registered last.
    expect(compareService([second, registered], { ...second, version: 3 })).toEqual({
      ...{ effect: 'new', comparedWith: 2, differences: [] },
    });
    expect(() => compareService([second, registered], declared)).toThrow('Give it version 3');
    expect(compareService([], declared)).toEqual({
      ...{ effect: 'new', comparedWith: undefined, differences: [] },
    });
  });
});
