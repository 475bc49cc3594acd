/**
 * Trains the model with what the web servers have answered, and what was ordered then. The features of a sample are those that
 * were served, to the letter, so the model is trained with what it will be asked with.
 */
import type { Redis } from 'ioredis';
import { Order, STREAMS } from './definitions.js';
import { lossOf, type Model, type Sample, train, UNTRAINED } from './model.js';
import type { Ranked } from './web.js';

const MODEL = 'model';

export const modelIn = async (redis: Redis): Promise<Model> =>
  JSON.parse((await redis.get(MODEL)) ?? JSON.stringify(UNTRAINED));

export async function trainIn(redis: Redis): Promise<void> {
  const [ranked, ordered] = [await allOf<Ranked>(redis, 'ranked'), await allOf<unknown>(redis, 'orders')];
  const orders = new Map<string, number>();
  for (const each of ordered) {
    const { user, product, at } = Order.parse(each);
    orders.set(`${user} ${product}`, Math.max(at, orders.get(`${user} ${product}`) ?? 0));
  }
  const samples = ranked.flatMap(({ user, at, items }) =>
    items.map(({ product, features }): Sample => {
      return { features, isBought: (orders.get(`${user} ${product}`) ?? 0) >= at };
    }),
  );
  const before = await modelIn(redis);
  const after = train(before, samples);
  await redis.set(MODEL, JSON.stringify(after));
  const [worse, better] = [before, after].map((model) => lossOf(model, samples).toFixed(3));
  console.log(`train: ${samples.length} samples, loss ${worse} -> ${better}`);
}

async function allOf<T>(redis: Redis, name: 'ranked' | 'orders'): Promise<T[]> {
  const entries = await redis.xrange(STREAMS[name][0], '-', '+');
  return entries.map(([, [, json = '']]): T => JSON.parse(json));
}
