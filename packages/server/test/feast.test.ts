/** The routes of Feast's feature server, asked as its clients ask: by plain HTTP. */
import { createFeatures, entity, t, view } from '@holdfast/features';
import { expect, test } from 'vitest';
import { makeStore } from './made.js';
import { keysOf, later, ownLocks, serve, url, useRedis } from './setting.js';

useRedis();

const SHOP = '/feast/stores/shop';
const fieldsOf = ({ body }: { body: { errors: { field: string }[] } }) =>
  body.errors.map(({ field }) => field);

test('features are read by their references and by a service, and say why they are null', async () => {
  await makeStore();
  const { ask } = await serve();
  const read = async (body: object) => ask('POST', `${SHOP}/get-online-features`, { body });
  const entities = { user: ['u1', 'u2'] };
  const { body } = await read({ features: ['profile:spent', 'profile:tier'], entities });
  expect(body.metadata).toEqual({ feature_names: ['user', 'spent', 'tier'] });
  expect(body.results).toEqual([
    { values: ['u1', 'u2'], statuses: ['PRESENT', 'PRESENT'], event_timestamps: expect.anything() },
    {
      ...{ values: [99.5, null], statuses: ['PRESENT', 'NOT_FOUND'] },
      event_timestamps: [expect.stringMatching(/^20\d\d-.*Z$/), '1970-01-01T00:00:00Z'],
    },
    { values: ['gold', null], statuses: ['PRESENT', 'NOT_FOUND'], event_timestamps: expect.anything() },
  ]);
  const served = await read({ feature_service: 'ranking', entities, full_feature_names: true });
  expect(served.body.metadata.feature_names).toEqual(['user', 'profile__spent', 'profile__tier']);

  expect((await read({ features: ['profile:nonsense'], entities })).status).toBe(404);
  expect((await read({ features: ['nothing:tier'], entities })).status).toBe(404);
  expect((await read({ feature_service: 'nothing', entities })).status).toBe(404);
  expect(fieldsOf(await read({ entities }))).toEqual(['body.features']);
  expect(fieldsOf(await read({ features: ['profile:tier'], entities: {} }))).toEqual(['body.entities']);
  const other = { features: ['profile:tier'], entities: { driver: ['u1'] } };
  expect(fieldsOf(await read(other))).toEqual(['body.entities.user']);
  const uneven = { features: ['profile:tier'], entities: { user: ['u1'], more: ['a', 'b'] } };
  expect(fieldsOf(await read(uneven))).toEqual(['body.entities']);
});

test('rows that are pushed at two replicas are read, and an older one changes nothing', async () => {
  const pair = entity('pair', [entity('user'), entity('item')]);
  const bought = view('bought', { entity: pair, fields: { times: t.int() } });
  const store = createFeatures({ redis: url(), name: 'shop', views: [bought] });
  later(() => store.close());
  await store.apply();
  const replicas = [await serve(), await serve()];
  const push = (at: number, times: number[], when: (string | number)[], more = {}) =>
    replicas[at % 2]?.ask('POST', `${SHOP}/push`, {
      body: {
        ...{ push_source_name: 'bought', to: 'online', allow_registry_cache: true, ...more },
        df: {
          ...{ user: times.map(() => 7), item: times.map((_, index) => `i${index}`), times },
          ...{ event_timestamp: when, created: when },
        },
      },
    });
  const many = await Promise.all(
    [1, 2, 3, 4].map((n) => push(n, [n, n], [`2026-11-0${n} 12:00:00`, `2026-11-0${n}T12:00:00Z`])),
  );
  expect(many.map((reply) => [reply?.status, reply?.body])).toEqual([1, 2, 3, 4].map(() => [200, {}]));
  const read = async () => {
    const body = { features: ['bought:times'], entities: { user: [7, 7], item: ['i0', 'i1'] } };
    const reply = await replicas[0]?.ask('POST', `${SHOP}/get-online-features`, { body });
    return reply?.body.results[2].values;
  };
  expect(await read()).toEqual([4, 4]);
  await push(0, [9], ['2026-11-02T12:00:00Z']);
  expect(await read()).toEqual([4, 4]);

  const wrong = await push(0, [1.5, 6], [Date.UTC(2026, 10, 5), Date.UTC(2026, 10, 5)]);
  expect(wrong).toMatchObject({ status: 400, body: { errors: [{ field: 'body.df.times' }] } });
  expect(await read()).toEqual([4, 6]);
  expect((await push(0, [1], ['yesterday']))?.body.errors[0].field).toBe('body.df.event_timestamp');
  expect((await push(0, [1], ['2026-11-05'], { to: 'offline' }))?.status).toBe(400);
  expect((await push(0, [1], ['2026-11-05'], { push_source_name: 'nothing' }))?.status).toBe(404);
  expect(await ownLocks().inspect('holdfast:feast:shop:bought')).toMatchObject({ held: false });
});

test('a key reads and writes its stores only', async () => {
  await makeStore();
  const { file, keys } = keysOf({ reader: ['features:read=shop'], other: ['features:*=elsewhere'] });
  const { ask } = await serve({ keys: file });
  const read = { features: ['profile:tier'], entities: { user: ['u1'] } };
  const push = { push_source_name: 'profile', df: { user: ['u1'], tier: ['x'], event_timestamp: [1] } };
  const asked = async (key: string) => [
    (await ask('POST', `${SHOP}/get-online-features`, { key, body: read })).status,
    (await ask('POST', `${SHOP}/push`, { key, body: push })).status,
  ];
  expect(await asked(keys.reader)).toEqual([200, 403]);
  expect(await asked(keys.other)).toEqual([403, 403]);
});
