/** What a store says of itself, on a real Redis. */
import type { TokenHolder } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();

const profile = view('profile', { entity: entity('user'), fields: { n: t.int() } });
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

it('says what somebody has to do something about, and how far a previous generation is behind', async () => {
  const store = createFeatures({ redis: url(), name: 'shop', views: [profile], partitions: 3 });
  later(() => store.close());
  expect((await store.health()).problems).toEqual(['nothing was applied; call apply()']);
  await store.apply();
  const lane = await store.open(profile, { holder: holderOf(7) });
  await lane.finish();
  const next = await store.begin(profile, { holder: holderOf(8) });
  const well = { problems: [], views: { profile: { live: '1-0', behind: {}, filling: ['2-8'] } } };
  expect(await store.health()).toEqual(well);

  // A partition that has forgotten the end of a lane, and one that was not told of the last change.
  await client().hdel('{feat:shop.1}:record', 'finished:profile.1-0:batch:');
  await client().hset('{feat:shop.2}:record', 'n', '1');
  const { problems } = await store.health();
  expect(problems).toEqual([
    expect.stringMatching(/^partition 2 knows change 1 of the catalog, not the last one, \d+; apply\(\)/),
    expect.stringMatching(/the lane "batch" has finished in 2 of 3 partitions.* run its job again/),
  ]);
  await store.apply();
  await lane.finish();
  expect(await store.health()).toEqual(well);

  // A builder that has died in the middle of a cut.
  const { catalog } = openParts(3);
  await catalog.change('cut', ['8', 'locks', '0', 'profile', next.id]);
  await catalog.mirror();
  expect((await store.health()).problems).toEqual([
    'the builder that cuts the view "profile" to 2-8 is overdue; cut again, or abandon that generation',
  ]);
  await next.cut({ lanes: { batch: 'ended' } });
  const pushed = await store.open(profile, { holder: holderOf(9) });
  await pushed.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }]);
  expect(await store.health()).toEqual({
    problems: [],
    views: {
      profile: {
        live: '2-8',
        behind: { '1-0': ['it may lack rows that were landed in the lane "batch" without a source'] },
        filling: [],
      },
    },
  });
});
