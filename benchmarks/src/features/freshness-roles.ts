/**
 * The way of an event from a stream to the value that is served: the process that takes it in, the one that appends events at a
 * fixed rate, and the one that asks.
 *
 * Guarantees: the time of an event is from before it is appended until an answer has it, both on the clock of one process.
 */
import { createFeatures, redisStream } from '@holdfast/features';
import { Redis } from 'ioredis';
import { usage } from './stand.js';
import { TILE, windowsOf } from './windows-roles.js';

export const FOLLOWING = ['windows', 'XREAD and HINCRBY'] as const;

const view = windowsOf('clicks', true);
export const STREAMS = ['events:0', 'events:1', 'events:2'];
const USERS = 10_000;

const openStore = (url: string) => createFeatures({ redis: url, name: 'bench', views: [view] });

/** Takes in the streams. Arguments: the contestant, the URL of Redis. Answers its usage. */
export async function following(contestant = '', url = '') {
  if (contestant === 'windows') {
    const store = openStore(url);
    await store.apply();
    const holder = { token: 1, resource: 'bench', issuer: 'bench' };
    const lane = await store.open(view, { lane: 'stream', holder });
    lane.follow(redisStream({ redis: url, streams: STREAMS }), (value) => {
      const { user, price, at } = value as Record<'user' | 'price' | 'at', string>;
      return { user, price: Number(price), at: Number(at) };
    });
  } else {
    for (const stream of STREAMS) void readForEver(url, stream);
  }
  return async () => usage();
}

/** What somebody writes first: nothing says how far it has come, and an entry that is read again counts twice. */
async function readForEver(url: string, stream: string): Promise<void> {
  const redis = new Redis(url);
  for (let place = '0'; ; ) {
    const found = (await redis.xread('COUNT', 1_000, 'BLOCK', 1_000, 'STREAMS', stream, place)) ?? [];
    const pipeline = redis.pipeline();
    for (const [id, fields] of found[0]?.[1] ?? []) {
      const [, user, , price = '', , at] = fields;
      const tile = Math.floor(Number(at) / TILE);
      pipeline.hincrby(`hash:${user}`, `${tile}:count`, 1);
      pipeline.hincrbyfloat(`hash:${user}`, `${tile}:sum`, price);
      place = id;
    }
    await pipeline.exec();
  }
}

/** Appends events at a rate. A request says how many a second and for how many ms; the answer is how many there were. */
export async function appending(url = '') {
  const redis = new Redis(url);
  await redis.ping();
  return async ({ rate, last }: { readonly rate: number; readonly last: number }): Promise<number> => {
    const began = performance.now();
    let appended = 0;
    for (let passed = 0; passed < last; passed = performance.now() - began) {
      const pipeline = redis.pipeline();
      for (const due = Math.floor((passed / 1_000) * rate); appended < due; appended += 1) {
        const user = `u${(Math.imul(appended, 0x9e3779b1) >>> 0) % USERS}`;
        pipeline.xadd(STREAMS[appended % 3] ?? '', '*', ...fieldsOf(user, appended % 97));
      }
      await Promise.all([pipeline.exec(), new Promise((resolve) => setTimeout(resolve, 5))]);
    }
    return appended;
  };
}

const fieldsOf = (user: string, price: number) => ['user', user, 'price', price, 'at', Date.now()];

/**
 * Appends one event after another, and asks until it is served. Arguments: the contestant, the URL of Redis. A request says for
 * how many ms; the answer is how many ms each took.
 */
export async function probing(contestant = '', url = '') {
  const redis = new Redis(url);
  const store = openStore(url);
  const countOf = async (user: string): Promise<number> => {
    if (contestant === 'windows') return Number((await store.rows(view, [user]))[0]?.values['count'] ?? 0);
    return Object.entries(await redis.hgetall(`hash:${user}`))
      .filter(([field]) => field.endsWith(':count'))
      .reduce((sum, [, count]) => sum + Number(count), 0);
  };
  let probes = 0;
  return async ({ last }: { readonly last: number }): Promise<number[]> => {
    const took: number[] = [];
    for (const end = performance.now() + last; performance.now() < end; probes += 1) {
      const user = `probe${probes}`;
      const began = performance.now();
      await redis.xadd(STREAMS[probes % 3] ?? '', '*', ...fieldsOf(user, 1));
      while ((await countOf(user)) < 1)
        if (performance.now() > end + 300_000) throw new Error(`The event of ${user} was never served.`);
      took.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return took;
  };
}
