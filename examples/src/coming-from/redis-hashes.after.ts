/** The same with Holdfast. */

// #region readme
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { createLocks } from '@holdfast/lock';
import { data, nodes, stop } from '../nodes.js';
import { AS_OF, CUSTOMERS } from './customers.js';

const profile = view('profile', {
  entity: entity('user'),
  ttl: 2 * 86_400_000, // from the event time, not from when it was written
  fields: { age: t.int(), tier: t.string() },
});
const reading = service('reading', { views: { profile } });
const store = createFeatures({ redis: data, name: 'shop', views: [profile], services: [reading] });
await store.apply();

// The nightly job: of two that run at the same time, the later one writes, and the other one is refused
const locks = createLocks({ nodes });
await locks.using('profiles', {}, async (lease) => {
  const lane = await store.open(profile, { holder: lease });
  await lane.land(CUSTOMERS.map(({ id, ...values }) => ({ id, time: AS_OF, values })));
});

// The request
const profileOf = async (user: string) => {
  const [row] = await store.get(reading, [{ user }]);
  return { age: row?.['profile.age'] ?? null, tier: row?.['profile.tier'] ?? null };
};
console.log(await profileOf('u1'), await profileOf('u9'));
// #endregion readme

await store.close();
await locks.close();
await stop();
