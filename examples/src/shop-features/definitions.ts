/**
 * The features of a shop, defined once: what is written, what is served, and what a model is trained with follow from here.
 */
import { createFeatures, entity, type Features, service, t, view, windows } from '@holdfast/features';
import { z } from 'zod';

const user = entity('user');
const product = entity('product');

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What a customer has told us, and the tier of loyalty; a nightly batch. */
export const profile = view('profile', {
  entity: user,
  ttl: 30 * DAY,
  owner: 'growth',
  fields: { age: t.int().optional(), city: t.string(), tier: t.string() },
});

export const Click = z.object({
  user: z.string(),
  product: z.string(),
  /** How long the page was open. */
  seconds: z.number(),
  /** What was paid on it; 0 if nothing was bought. */
  paid: z.number(),
  /** In ms since the epoch. */
  at: z.number(),
});
export type Click = z.infer<typeof Click>;

/** The last hour, in steps of five minutes. */
export const hour = windows('hour', {
  entity: user,
  tile: 5 * MINUTE,
  lateness: 10 * MINUTE,
  event: Click,
  key: (click) => click.user,
  time: (click) => click.at,
  fields: (on) => ({
    clicks: on.count({ over: HOUR }),
    paid: on.sum((click) => click.paid, { over: HOUR }),
  }),
});

/** The last day, in steps of an hour: a day in steps of five minutes would take twelve times the memory. */
export const day = windows('day', {
  entity: user,
  tile: HOUR,
  event: Click,
  key: (click) => click.user,
  time: (click) => click.at,
  fields: (on) => ({
    paid: on.sum((click) => click.paid, { over: DAY }),
    seconds: on.sum((click) => click.seconds, { over: DAY }),
    products: on.distinct((click) => click.product, { over: DAY }),
    recent: on.latest((click) => click.product, { n: 5 }),
  }),
});

export const Order = z.object({ user: z.string(), product: z.string(), at: z.number() });
export type Order = z.infer<typeof Order>;

export const orders = windows('orders', {
  entity: user,
  tile: HOUR,
  event: Order,
  key: (order) => order.user,
  time: (order) => order.at,
  fields: (on) => ({
    today: on.count({ over: DAY }),
    last: on.latest((order) => order.product, { n: 3 }),
  }),
});

/** Strict: what is sold out is not shown, so no cache may answer for it. */
export const stock = view('stock', {
  entity: product,
  strict: true,
  fields: { left: t.int(), price: t.float64() },
});

/** What the ranking of a product for a user depends on. */
export const ranking = service('ranking', {
  views: { profile, hour, day, orders, stock },
  request: z.object({ budget: z.number() }),
  derive: (row, { budget }) => {
    const [price, paid] = [row['stock.price'], row['day.paid']];
    return {
      isAffordable: price === null ? null : price <= budget,
      /** To what the user spends in a day. */
      relativePrice: price === null || !paid ? null : price / paid,
    };
  },
});

export const openShop = (redis: string): Features =>
  createFeatures({
    ...{ redis, name: 'shop', partitions: 8 },
    ...{ views: [profile, hour, day, orders, stock], services: [ranking] },
  });

/** The streams of the shop's programs; each entry has the field `json`. `ranked` is what the web servers have answered. */
export const STREAMS = {
  clicks: ['clicks:0', 'clicks:1', 'clicks:2'],
  orders: ['orders'],
  stock: ['stock'],
  ranked: ['ranked'],
} as const;
