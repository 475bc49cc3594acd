/**
 * What the shop knows of its customers and its products: features, which are defined once, written under a lease, and served.
 *
 * Guarantees: each purchase counts once, whichever worker reads the stream. When that worker freezes or dies, another goes on
 * where it was; what the first one still sends is refused.
 */
import {
  createFeatures,
  entity,
  type Features,
  redisStream,
  service,
  t,
  view,
  windows,
} from '@holdfast/features';
import type { Locks } from '@holdfast/lock';
import { z } from 'zod';
import { CATALOGUE } from './catalogue.js';
import { LEASE } from './setting.js';

/** The stream of what was bought: `{ product, with, at }`, where `with` is what the same customer bought before. */
export const PURCHASES = 'purchases';

const DAY = 86_400_000;
const customer = view('customer', {
  entity: entity('account'),
  fields: { age: t.int(), country: t.string() },
});
const purchases = windows('purchases', {
  entity: entity('product'),
  tile: DAY / 24,
  event: z.object({ product: z.string(), with: z.string(), at: z.number() }),
  key: (bought) => bought.product,
  time: (bought) => bought.at,
  fields: (on) => ({
    count: on.count({ over: DAY }),
    with: on.latest((bought) => bought.with, { n: 12 }),
  }),
});
export const profiles = service('profiles', { views: { customer } });
const popularity = service('popularity', { views: { purchases } });

export const openFeatures = (redis: string): Features =>
  createFeatures({ redis, name: 'kelp', views: [customer, purchases], services: [profiles, popularity] });

/** Writes who the customers are, as a nightly batch would. */
export const writeCustomers = (
  { store, locks }: { readonly store: Features; readonly locks: Locks },
  rows: readonly {
    readonly id: string;
    readonly values: { readonly age: number; readonly country: string };
  }[],
): Promise<void> =>
  locks.using('customers', { wait: 10_000 }, async (lease) => {
    const lane = await store.open(customer, { holder: lease });
    await lane.land(rows.map((row) => ({ ...row, time: Date.now() })));
  });

/** Counts purchases, or stands by while another worker does. */
export async function countPurchases(store: Features, locks: Locks, redis: string): Promise<void> {
  const lane = await store.open(purchases, { lane: 'stream', shared: true });
  lane.follow(
    redisStream({ redis, streams: [PURCHASES] }),
    (entry) => JSON.parse((entry as { json: string }).json),
    {
      hold: (name, { signal }) => locks.election(name, { ttl: LEASE }).campaign({ signal }), // renewed until it is given back
    },
  );
}

/** What customers bought before or after a product, the most frequent first. */
export async function boughtWith(store: Features, product: string): Promise<string[]> {
  const [row] = await store.get(popularity, [{ product }]);
  const counts = new Map<string, number>();
  for (const other of row?.['purchases.with'] ?? [])
    if (other !== '' && other !== product) counts.set(other, (counts.get(other) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one).map(([id]) => id);
}

/** How many purchases were counted, of all products. */
export async function countedPurchases(store: Features): Promise<number> {
  const rows = await store.get(
    popularity,
    CATALOGUE.map(({ id }) => ({ product: id })),
  );
  return rows.reduce((sum, row) => sum + (row['purchases.count'] ?? 0), 0);
}
