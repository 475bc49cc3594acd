/** A catalog that its server has lost the end of, while partitions on other masters know that the cut came to its end. */
import type { TokenHolder } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();
const profile = view('profile', { entity: entity('user'), fields: { n: t.int() } });
const CATALOG = '{feat:shop}:catalog';
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

for (const how of ['overdue', 'swap'] as const)
  it(`keeps the generation that is read from being retired, by ${how}`, async () => {
    const store = createFeatures({ redis: url(), name: 'shop', views: [profile], partitions: 2 });
    later(() => store.close());
    await store.apply();
    const generation = await store.begin(profile, { holder: holderOf(8) });
    const lane = await store.open(profile, { holder: holderOf(8), generation });
    await lane.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }]);
    const { catalog } = openParts(2);
    const [word, n = ''] = await catalog.change('cut', ['8', 'locks', '0', 'profile', generation.id]);
    expect(word).toBe('done');
    const before = await client().dumpBuffer(CATALOG);
    expect((await catalog.change('swap', [n, '8', 'locks', 'profile']))[0]).toBe('done');
    await catalog.mirror();
    // Its master fails over to one that lacks the swap.
    await client().restore(CATALOG, 0, before as Buffer, 'REPLACE');
    await client().hset(CATALOG, 'server', 'another');
    const after = openParts(2).catalog;
    expect((await after.pointers(['profile']))?.views.get('profile')?.live).toBe(generation.id);
    const reply =
      how === 'overdue'
        ? await after.change('overdue', ['profile'])
        : await after.change('swap', [n, '8', 'locks', 'profile']);
    expect(reply[0]).toBe(how === 'overdue' ? 'open' : 'changed');
    const again = await store.generation(profile, generation.id, { holder: holderOf(9) });
    await expect(again.retire()).rejects.toThrow(/is live/);
    const fresh = createFeatures({ redis: url(), name: 'shop', views: [profile], partitions: 2 });
    later(() => fresh.close());
    const rows = await fresh.rows(profile, ['u1']);
    expect(rows[0]?.values.n).toBe(1);
  });
