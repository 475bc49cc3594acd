/**
 * What keeps the features up to date: streams that are followed, and jobs that write all profiles.
 *
 * Guarantees: of several processes that follow the same streams, one writes what comes from each. When it dies, another goes on
 * where it was; when it was only slow, nothing that it still sends is taken.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Features, type Follower, redisStream } from '@holdfast/features';
import type { Lease, Locks } from '@holdfast/lock';
import { day, hour, orders, profile, STREAMS, stock } from './definitions.js';

export interface Plant {
  readonly store: Features;
  readonly locks: Locks;
  readonly redis: string;
  /** After how many ms without a sign of life another process takes over. */
  readonly lease: number;
}

type Name = 'orders' | 'stock';

/** What is written while this process has the right to follow the streams of a name. */
const LANES: Readonly<Record<Name, (plant: Plant, holder: Lease) => Promise<Follower>>> = {
  orders: async ({ store, redis }, holder) => {
    const lane = await store.open(orders, { lane: 'stream', holder });
    return lane.follow(redisStream({ redis, streams: STREAMS.orders }), read);
  },
  stock: async ({ store, redis }, holder) => {
    const lane = await store.open(stock, { lane: 'stream', holder });
    const rowOf = (value: unknown) => {
      const { id, at, left, price } = read(value);
      return { id: String(id), time: Number(at), values: { left: Number(left), price: Number(price) } };
    };
    return lane.follow(redisStream({ redis, streams: STREAMS.stock }), rowOf);
  },
};

/** The `json` of an entry. Throws for one that has none, which is then left out. */
const read = (value: unknown): Record<string, unknown> => JSON.parse((value as { json: string }).json);

/** Follows all streams until `ending` aborts, or waits for the processes that do. */
export async function followAll(plant: Plant, ending: AbortSignal): Promise<void> {
  const clicks = [hour, day].map((view) => followClicks(plant, view, ending));
  await Promise.all([
    ...clicks,
    ...(['orders', 'stock'] as const).map((name) => followOne(plant, name, ending)),
  ]);
}

/** All processes share the clicks: each stream of them has a right of its own, which one process has at a time. */
async function followClicks(
  { store, redis, locks, lease }: Plant,
  view: typeof hour | typeof day,
  ending: AbortSignal,
): Promise<void> {
  const lane = await store.open(view, { lane: 'stream', shared: true });
  const follower = lane.follow(redisStream({ redis, streams: STREAMS.clicks }), read, {
    // Renewed until the follower gives it back.
    hold: async (name, { signal }) => {
      const holder = await locks.election(name, { ttl: lease }).campaign({ signal });
      console.log(`${name}: this process writes`);
      return holder;
    },
  });
  ending.addEventListener('abort', () => follower.stop().catch(() => {}));
  await follower.done();
}

/** The others have one process at a time for all that they have. */
async function followOne(plant: Plant, name: Name, ending: AbortSignal): Promise<void> {
  const election = plant.locks.election(`features of ${name}`, { ttl: plant.lease });
  while (!ending.aborted) {
    try {
      const holder = await election.campaign({ signal: ending });
      const follower = await LANES[name](plant, holder);
      console.log(`${name}: this process writes`);
      ending.addEventListener('abort', () => follower.stop().catch(() => {}));
      await follower.done();
    } catch (error) {
      if (ending.aborted) break;
      console.log(`${name}: begins again, as ${(error as Error).message}`);
      await sleep(100);
    } finally {
      await election.resign();
    }
  }
}

/** What the customers' database says of somebody. */
export interface Customer {
  readonly id: string;
  readonly age: number | null;
  readonly city: string;
  readonly tier: string;
}

export interface Job {
  readonly customers: readonly Customer[];
  /** Of when the customers are, in ms since the epoch: the event time of their rows. */
  readonly asOf: number;
  /** How long the job pauses after every hundred rows, in ms. */
  readonly pause: number;
}

/** The nightly batch. A job that lost its lease meanwhile ends with a StaleTokenError or a LeaseLostError. */
export const writeProfiles = (plant: Plant, job: Job): Promise<void> =>
  plant.locks.using('profiles', { ttl: plant.lease, wait: 60_000 }, async (lease) => {
    const lane = await plant.store.open(profile, { holder: lease });
    for (let from = 0; from < job.customers.length; from += 100) {
      await lane.land(rowsOf(job, from, from + 100));
      console.log(`profiles: ${Math.min(from + 100, job.customers.length)} landed`);
      await sleep(job.pause);
    }
    await lane.finish();
  });

/** All profiles anew, beside those that are read; then the new ones take their place, and the old ones are deleted. */
export const rebuildProfiles = (plant: Plant, job: Job): Promise<void> =>
  plant.locks.using('profiles', { ttl: plant.lease, wait: 60_000 }, async (lease) => {
    const { store } = plant;
    const [live] = (await store.generations(profile)).filter(({ state }) => state === 'live');
    const next = await store.begin(profile, { holder: lease });
    const lane = await store.open(profile, { holder: lease, generation: next });
    await lane.land(rowsOf(job, 0, job.customers.length));
    await lane.finish();
    await next.cut({ lanes: { batch: 'finished' } });
    console.log(`profiles: generation ${next.id} is read`);
    await (await store.generation(profile, live?.id ?? '', { holder: lease })).retire();
  });

const rowsOf = ({ customers, asOf }: Job, from: number, to: number) =>
  customers.slice(from, to).map(({ id, ...values }) => ({ id, time: asOf, values }));
