/** What models read. A sample of the README of the repository. */
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { createLocks } from '@holdfast/lock';
import { data, nodes } from '../nodes.js';

const locks = createLocks({ nodes });
const lease = await locks.acquire('profiles');

// #region readme
const profile = view('profile', { entity: entity('user'), ttl: 86_400_000, fields: { spent: t.float64() } });
const ranking = service('ranking', { views: { profile } });
const store = createFeatures({ redis: data, name: 'shop', views: [profile], services: [ranking] });
await store.apply();
const lane = await store.open(profile, { holder: lease }); // no earlier job lands anything any more
await lane.land([{ id: 'u1', time: Date.now(), values: { spent: 99.5 } }]); // the later event time stays
console.log(await store.get(ranking, [{ user: 'u1' }]));
// #endregion readme

await lease.release();
await Promise.all([store.close(), locks.close()]);
