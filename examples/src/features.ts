/**
 * Features that are defined once, written under a lease, and served with their types. The sample of the README of
 * @holdfast/features.
 */

// #region readme
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { createLocks } from '@holdfast/lock';
import { data, nodes, stop } from './nodes.js';

const user = entity('user');
const profile = view('profile', {
  entity: user,
  ttl: 30 * 86_400_000,
  fields: { age: t.int().optional(), tier: t.string(), spent: t.float64() },
});
const ranking = service('ranking', {
  views: { profile },
  derive: (row) => ({ isGold: row['profile.tier'] === 'gold' }),
});
const store = createFeatures({ redis: data, name: 'shop', views: [profile], services: [ranking] });
await store.apply(); // once for each deployment: registers the definitions

const locks = createLocks({ nodes });
await locks.using('profiles', {}, async (lease) => {
  const lane = await store.open(profile, { holder: lease }); // from now on, no earlier holder lands anything
  const rows = [{ id: 'u1', time: Date.now(), values: { age: 41, tier: 'gold', spent: 99.5 } }];
  console.log((await lane.land(rows)).outcomes);
});
console.log(await store.get(ranking, [{ user: 'u1' }, { user: 'u2' }]));
await store.close();
await locks.close();
// #endregion readme

await stop();
