/** Versions of services on a real Redis: registered by `apply`, served side by side, and each kept as it is. */
import { describe, expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { type Service, service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { DefinitionMismatchError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const clicks = view('clicks', { entity: user, fields: { count: t.int() } });
const first = service('ranking', { views: { profile } });
const second = service('ranking', { version: 2, views: { profile, clicks } });
const NOW = Date.now();

function storeOf(...services: readonly Service[]): Features {
  const options = { redis: url(), name: 'shop', views: [profile, clicks], partitions: 2 };
  const store = createFeatures({ ...options, services });
  later(() => store.close());
  return store;
}

describe('versions of a service', () => {
  it('are served side by side, and what differs is said', async () => {
    const old = storeOf(first);
    expect((await old.apply()).services).toEqual([
      { service: 'ranking', version: 1, effect: 'new', comparedWith: undefined, differences: [] },
    ]);
    const next = storeOf(second);
    expect((await next.apply()).services).toEqual([
      {
        ...{ service: 'ranking', version: 2, effect: 'new', comparedWith: 1 },
        differences: [
          {
            path: 'views',
            registered: '{"profile":"profile"}',
            declared: '{"clicks":"clicks","profile":"profile"}',
          },
        ],
      },
    ]);
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    await (await old.open(profile, { holder })).land([{ id: 'u1', time: NOW, values: { n: 4 } }]);
    await (await next.open(clicks, { holder })).land([{ id: 'u1', time: NOW, values: { count: 9 } }]);
    expect(await old.get(first, [{ user: 'u1' }])).toEqual([{ 'profile.n': 4 }]);
    expect(await next.get(second, [{ user: 'u1' }])).toEqual([{ 'profile.n': 4, 'clicks.count': 9 }]);
    // Programs of both versions may be started while the deployment goes on, and one may have both.
    expect((await old.apply()).services).toMatchObject([{ version: 1, effect: 'same' }]);
    const both = await storeOf(second, first).apply();
    expect(both.services).toMatchObject([
      { version: 2, effect: 'same' },
      { version: 1, effect: 'same' },
    ]);
    expect(await old.services()).toEqual([
      { name: 'ranking', version: 1, views: { profile: 'profile' } },
      { name: 'ranking', version: 2, views: { clicks: 'clicks', profile: 'profile' } },
    ]);
  });

  it('stay as they are: another service under a registered version registers nothing', async () => {
    await storeOf(first).apply();
    const before = await client().hgetall('{feat:shop}:catalog');
    const other = storeOf(
      service('ranking', { views: { profile, clicks } }),
      service('extra', { views: { profile } }),
    );
    const refused = await other.apply().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DefinitionMismatchError);
    expect(String(refused)).toMatch(/"ranking@1".*Give it version 2/);
    expect(refused).toMatchObject({ differences: [{ path: 'views' }] });
    expect(await client().hgetall('{feat:shop}:catalog')).toEqual(before);
  });

  it('are both registered by programs that start at the same moment', async () => {
    await Promise.all([storeOf(first).apply(), storeOf(second).apply()]);
    const all = await storeOf().services();
    expect(all.map(({ version }) => version)).toEqual([1, 2]);
  });

  it('that this program cannot read are said to need a newer one', async () => {
    const store = storeOf(first);
    await store.apply();
    await client().hset('{feat:shop}:catalog', 'service:ranking@3', '{"format":2}');
    await expect(store.services()).rejects.toThrow(/update it/);
  });
});
