/** A feature store and an index of vectors, as the examples of the operations have them. */
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { createIndex } from '@holdfast/vectors';
import { later, ownLocks, url } from './setting.js';

/** The store "shop" with a view, a service and the row of u1. Resolves to what lands so many more, each having spent more. */
export async function makeStore(): Promise<(count: number, spent: number) => Promise<void>> {
  const user = entity('user');
  const profile = view('profile', { entity: user, fields: { tier: t.string(), spent: t.float64() } });
  const ranking = service('ranking', { views: { profile } });
  const store = createFeatures({ redis: url(), name: 'shop', views: [profile], services: [ranking] });
  later(() => store.close());
  await store.apply();
  const lease = await ownLocks().acquire('profiles', { ttl: 20_000 });
  const lane = await store.open(profile, { holder: lease });
  await lane.land([{ id: 'u1', time: Date.now(), values: { tier: 'gold', spent: 99.5 } }]);
  later(() => lease.release());
  return async (count, spent) => {
    const ids = Array.from({ length: count }, (_, n) => `more${n}`);
    await lane.land(
      ids.map((id, n) => ({ id, time: Date.now(), values: { tier: 'gold', spent: spent + n } })),
    );
  };
}

/** The index "kb" with a document. Resolves to the place of its write. */
export async function makeIndex(): Promise<string> {
  const index = createIndex({ redis: url(), name: 'kb', vectors: { dimensions: 3 } });
  later(() => index.close());
  const { place } = await index.put({ id: 'apple', vector: [1, 0, 0], attributes: { kind: 'fruit' } });
  return place;
}
