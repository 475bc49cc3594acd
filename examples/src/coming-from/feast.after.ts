/** A repository of Feast, with Holdfast. */

// #region readme
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { createLocks } from '@holdfast/lock';
import { z } from 'zod';
import { data, nodes, stop } from '../nodes.js';
import { AS_OF, CUSTOMERS } from './customers.js';

const user = entity('user');
const profile = view('profile', {
  entity: user,
  ttl: 30 * 86_400_000,
  fields: { age: t.int(), tier: t.string() },
});
const ranking = service('ranking', {
  views: { profile },
  request: z.object({ price: z.number() }),
  derive: (row, { price }) => ({ discounted: row['profile.tier'] === 'gold' ? 0.9 * price : price }),
});
const store = createFeatures({ redis: data, name: 'shop', views: [profile], services: [ranking] });
await store.apply(); // feast apply

// feast materialize
const locks = createLocks({ nodes });
await locks.using('materialize profile', {}, async (lease) => {
  const lane = await store.open(profile, { holder: lease });
  // Any rows: of a query, of files. land() waits while Redis is behind.
  const { outcomes } = await lane.land(CUSTOMERS.map(({ id, ...values }) => ({ id, time: AS_OF, values })));
  console.log(outcomes);
  await lane.finish();
});

console.log(await store.get(ranking, [{ user: 'u1' }], { price: 50 })); // get_online_features
// #endregion readme

await store.close();
await locks.close();
await stop();
