/** Definitions: what they refuse when they are made, and what the compiler refuses. */
import {
  type Answer,
  type EntityIds,
  entity,
  flags,
  global,
  type Id,
  type Served,
  service,
  t,
  type Values,
  view,
  windows,
} from '@holdfast/features';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { idsOf, placeOf } from '../src/definition/entity.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const user = entity('user');
const product = entity('product');
const pair = entity('pair', [user, product]);
const profile = view('profile', {
  entity: user,
  ttl: 30 * DAY,
  owner: 'growth',
  fields: { age: t.int().optional(), tier: t.string(), taste: t.vector(8), since: t.timestamp() },
});
const Click = z.object({ user: z.string(), product: z.string(), price: z.number(), at: z.number() });
const price = (e: z.output<typeof Click>) => e.price;
const clicks = windows('clicks', {
  entity: user,
  tile: 5 * MINUTE,
  lateness: HOUR,
  event: Click,
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({
    count1h: on.count({ over: HOUR }),
    spent1d: on.sum(price, { over: DAY }),
    most1h: on.max(price, { over: HOUR }),
    products1d: on.distinct((e) => e.product, { over: DAY }),
    recent: on.latest((e) => e.product, { n: 5 }),
  }),
});
const affinity = view('affinity', { entity: pair, fields: { score: t.float32() } });
const promos = flags('promos', { entity: user, flags: ['vip', 'spring'] });
const prices = view('prices', { entity: global, fields: { rate: t.float64(), steps: t.list() } });
const ranking = service('ranking', {
  views: { profile, clicks, affinity, promos, prices },
  request: z.object({ price: z.number() }),
  derive: (row, request) => ({
    relative: row['clicks.spent1d'] === null ? null : request.price / row['clicks.spent1d'],
  }),
});

describe('a definition', () => {
  it('gives the types of what is written and read', () => {
    type Profile = (typeof profile)['fields'];
    expectTypeOf<Values<Profile>>().toEqualTypeOf<
      {
        readonly tier: string;
        readonly taste: Float32Array | readonly number[];
        readonly since: Date | number;
      } & { readonly age?: number | null }
    >();
    expectTypeOf<Served<Profile>>().toEqualTypeOf<{
      readonly age: number | null;
      readonly tier: string | null;
      readonly taste: Float32Array | null;
      readonly since: Date | null;
    }>();
  });

  it('gives the types of a service', () => {
    type Ranked = Answer<typeof ranking>;
    expectTypeOf<Ranked['profile.age']>().toEqualTypeOf<number | null>();
    expectTypeOf<Ranked['clicks.count1h']>().toEqualTypeOf<number | null>();
    expectTypeOf<Ranked['clicks.recent']>().toEqualTypeOf<readonly string[] | null>();
    expectTypeOf<Ranked['promos.vip']>().toEqualTypeOf<boolean | null>();
    expectTypeOf<Ranked['relative']>().toEqualTypeOf<number | null>();
    expectTypeOf<NonNullable<(typeof ranking)['~request']>>().toEqualTypeOf<{ price: number }>();
    expectTypeOf<EntityIds<(typeof ranking)['views']>>().toEqualTypeOf<{
      readonly user: string;
      readonly product: string;
    }>();
  });

  it('gives the type of an id', () => {
    expectTypeOf<Id<typeof user>>().toEqualTypeOf<string>();
    expectTypeOf<Id<typeof pair>>().toEqualTypeOf<{ readonly user: string; readonly product: string }>();
    expectTypeOf<Id<typeof global>>().toEqualTypeOf<undefined>();
  });

  it('does not compile with a name or a type that is wrong', () => {
    const never = () => {
      service('s', {
        views: { profile },
        // @ts-expect-error there is no such feature
        derive: (row) => ({ x: row['profile.colour'] }),
      });
      service('s', {
        views: { profile },
        // @ts-expect-error a tier is text
        derive: (row) => ({ x: (row['profile.tier'] ?? 1) * 2 }),
      });
      service('s', {
        views: { profile },
        request: z.object({ price: z.number() }),
        // @ts-expect-error the request has no such field
        derive: (_, request) => ({ x: request.cost }),
      });
      // @ts-expect-error the entity is missing: tier
      const values: Values<(typeof profile)['fields']> = { taste: [], since: 0 };
      // @ts-expect-error an id of a pair has two parts
      const id: Id<typeof pair> = { user: 'u1' };
      // @ts-expect-error the service needs a product, too
      const ids: EntityIds<(typeof ranking)['views']> = { user: 'u1' };
      windows('w', {
        entity: user,
        tile: MINUTE,
        event: Click,
        // @ts-expect-error a price is no id
        key: (e) => e.price,
        time: (e) => e.at,
        fields: (on) => ({ n: on.count({ over: HOUR }) }),
      });
      return [values, id, ids];
    };
    expect(never).toBeTypeOf('function');
  });

  it('of windows shares what features have in common, and keeps enough tiles', () => {
    expect(clicks.plan).toEqual({ series: 1, distinct: [64], latest: [5] });
    expect(clicks.fields.most1h.aggregate).toEqual({ kind: 'max', over: HOUR, of: 0 });
    expect(clicks.tiles).toBe((DAY + HOUR + 5 * MINUTE) / (5 * MINUTE) + 1);
  });

  it('of a service has its own version', () => {
    expect(ranking).toMatchObject({ name: 'ranking', version: 1 });
    expect(ranking.views.profile).toBe(profile);
  });
});

describe('a definition is refused', () => {
  const fields = { n: t.int() };
  const events = { event: Click, key: () => 'u', time: () => 0 };
  it.each<[string, () => unknown, string]>([
    [
      'with a bad name',
      () => view('a b', { entity: user, fields }),
      'The name of a view is a name of 1 to 64',
    ],
    ['without fields', () => view('v', { entity: user, fields: {} }), 'has 1 to 256 fields; got 0'],
    [
      'with a field that is no identifier',
      () => view('v', { entity: user, fields: { 'a.b': t.int() } }),
      'got "a.b"',
    ],
    [
      'with a field that is no type',
      () => view('v', { entity: user, fields: { n: 'int' as never } }),
      'The field "n" of the view "v" is a type',
    ],
    ['with an unknown option', () => view('v', { entity: user, fields, tll: 1 } as never), 'no option "tll"'],
    [
      'with a TTL of a century',
      () => view('v', { entity: user, fields, ttl: 3.2e12 }),
      'ttl is a whole number',
    ],
    ['with a vector without numbers', () => t.vector(0), 'The size of a vector is a whole number from 1'],
    ['as the entity global', () => entity('global'), 'The entity "global" exists'],
    ['as an entity of one part', () => entity('pair', [user]), 'has 2 to 8 parts'],
    ['as an entity with a part twice', () => entity('pair', [user, user]), 'each once'],
    [
      'with a window that is no multiple of its tile',
      () =>
        windows('w', {
          entity: user,
          tile: MINUTE,
          ...events,
          fields: (on) => ({ n: on.count({ over: 90_000 }) }),
        }),
      'A window of "w" is a multiple of its tile, 60000 ms, long; got 90000.',
    ],
    [
      'with a TTL of windows',
      () => {
        const fields = (on: { count(of: { over: number }): unknown }) => ({ n: on.count({ over: MINUTE }) });
        const options = { entity: user, tile: MINUTE, ...events, ttl: DAY, fields };
        return windows('w', options as unknown as Parameters<typeof windows>[1]);
      },
      'no option "ttl"',
    ],
    [
      'with too many tiles',
      () =>
        windows('w', {
          entity: user,
          tile: 1_000,
          lateness: DAY,
          ...events,
          fields: (on) => ({ n: on.count({ over: 10_000 }) }),
        }),
      'would keep 86711 tiles',
    ],
    [
      'with a field of windows that is no aggregate',
      () => windows('w', { entity: user, tile: MINUTE, ...events, fields: () => ({ n: t.int() }) as never }),
      'comes from `on`',
    ],
    ['as a service without views', () => service('s', { views: {} }), 'has no views'],
    [
      'as a service of something else',
      () => service('s', { views: { user: user as never } }),
      'The service "s" takes views, as of view(…); "user" is [object Object].',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('an id', () => {
  const at = (of: typeof user | typeof pair | typeof global, id: unknown) =>
    placeOf('profile', of, idsOf(of, id));

  it('lies where its entity says', () => {
    expect(at(user, 'u/1')).toEqual({ id: 'u/1', by: 'u/1' });
    expect(at(pair, { user: 'a/b', product: 'c' })).toEqual({ id: 'a%2Fb/c', by: 'a/b' });
    expect(at(global, undefined)).toEqual({ id: 'global', by: 'global' });
  });

  it('is another text for every combination', () => {
    const texts = [
      ['a', 'b/c'],
      ['a/b', 'c'],
      ['a%2Fb', 'c'],
    ].map(([one, other]) => at(pair, { user: one, product: other }).id);
    expect(new Set(texts).size).toBe(3);
  });

  it.each(['', 'x'.repeat(257), 'ü'.repeat(129), '\ud800', 7, undefined])('is refused as %j', (id) => {
    expect(() => at(user, id)).toThrow('the id of "user" is well-formed text of 1 to 256 bytes');
  });
});
