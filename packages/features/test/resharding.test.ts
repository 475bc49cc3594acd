/**
 * A feature store in a Redis Cluster whose slots move to other masters while it is written, read and counted: no read is wrong,
 * and nothing that was acknowledged is lost.
 */
import { createFeatures, entity, redisStream, service, t, view, windows } from '@holdfast/features';
import { type TokenHolder, UnavailableError } from '@holdfast/kernel';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { useCluster } from './cluster.js';
import { client, url, useRedis } from './setting.js';

useRedis(); // of the source
const cluster = useCluster();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const copy = view('copy', { entity: user, fields: { n: t.int() } });
const clicks = windows('clicks', {
  entity: user,
  tile: 60_000,
  event: z.object({ user: z.string(), at: z.number() }),
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({ count: on.count({ over: 3_600_000 }) }),
});
const both = service('both', { views: { profile, copy } });
const PARTITIONS = 4;
const USERS = 60;
const holder: TokenHolder = {
  ...{ token: 7, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
};

it('goes on while all its slots move, and move again', async () => {
  const store = createFeatures({
    ...{ redis: cluster().url, name: 'shop', views: [profile, copy, clicks], services: [both] },
    ...{ partitions: PARTITIONS, callTimeout: 20_000 },
  });
  try {
    await store.apply();
    const renew = (): Promise<void> => Promise.resolve();
    const lane = await store.open(profile, { holder, renew, patience: 30_000 });
    const follower = await store.open(copy, { lane: 'stream', holder, renew });
    const counter = await store.open(clicks, { lane: 'stream', holder, renew });
    const source = () => redisStream({ redis: url(), streams: ['s'] });
    const began = Date.now();
    follower.follow(source(), (value) => {
      const { user: id, n } = value as Record<string, string>;
      return { id: id ?? '', time: began + Number(n), values: { n: Number(n) } };
    });
    counter.follow(source(), (value) => ({ user: (value as { user: string }).user, at: began }));

    const acknowledged = new Array<number>(USERS).fill(-1);
    const wrong: string[] = [];
    let [round, events, reads] = [0, 0, 0];
    let isOver = false;
    const write = async (): Promise<void> => {
      while (!isOver) {
        const n = round;
        round += 1;
        const rows = Array.from({ length: USERS }, (_, each) => ({
          ...{ id: `u${each}`, time: began + n, values: { n } },
        }));
        const { outcomes } = await lane.land(rows);
        for (const [each, outcome] of outcomes.entries()) {
          if (outcome !== 'accepted') wrong.push(`row ${n} of u${each} was ${outcome}`);
          acknowledged[each] = n;
        }
        for (let each = 0; each < 5; each += 1) {
          await client().xadd('s', '*', 'user', `u${events % USERS}`, 'n', String(events));
          events += 1;
        }
      }
    };
    const read = async (): Promise<void> => {
      while (!isOver) {
        const before = [...acknowledged];
        const ids = Array.from({ length: 8 }, (_, each) => (reads + 7 * each) % USERS);
        const rows = await Promise.all(ids.map((id) => store.rows(profile, [`u${id}`]))).catch(
          (error: unknown) => {
            if (error instanceof UnavailableError) return undefined;
            throw error;
          },
        );
        if (rows === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 5)); // it is asked again
          continue;
        }
        reads += 1;
        for (const [place, [row]] of rows.entries()) {
          const id = ids[place] ?? 0;
          const seen = row?.reason === undefined ? Number(row?.values.n) : -1;
          const least = before[id] ?? -1;
          if (seen < least || seen >= round)
            wrong.push(`u${id} was ${seen} (${row?.reason}), not ${least} to ${round}`);
        }
      }
    };
    const traffic = Promise.all([write(), read(), read()]);
    const failed = traffic.then(
      () => undefined,
      (error: unknown) => {
        isOver = true;
        return error;
      },
    );
    for (let pass = 0; pass < 2; pass += 1) {
      const [from, seen] = [round, reads];
      await vi.waitFor(() => expect(isOver || (round > from + 2 && reads > seen + 5)).toBe(true), 30_000);
      const owners = async (): Promise<number[]> => {
        const keys = ['{feat:shop}:catalog'];
        for (let each = 0; each < PARTITIONS; each += 1) keys.push(`{feat:shop.${each}}:record`);
        return Promise.all(keys.map((key) => cluster().ownerOf(key)));
      };
      const before = await owners();
      for (let each = 0; each < PARTITIONS; each += 1) await cluster().move(`{feat:shop.${each}}:record`);
      await cluster().move('{feat:shop}:catalog');
      const after = await owners();
      for (const [place, owner] of after.entries()) expect(owner).not.toBe(before[place]);
    }
    const [from, seen] = [round, reads];
    await vi.waitFor(() => expect(isOver || (round > from + 2 && reads > seen + 5)).toBe(true), 30_000);
    isOver = true;
    expect(await failed).toBeUndefined();
    expect(wrong).toEqual([]);

    // What was acknowledged is there, each event is counted once, and what was copied is the last of each.
    const ids = Array.from({ length: USERS }, (_, each) => ({ user: `u${each}` }));
    const whole = async (): Promise<void> => {
      const counts = await store.rows(
        clicks,
        ids.map((id) => id.user),
      );
      expect(counts.reduce((sum, { values }) => sum + (values.count ?? 0), 0)).toBe(events);
    };
    await vi.waitFor(whole, { timeout: 30_000, interval: 100 });
    // A client that has not heard of the last move is refused once more.
    const answers = await vi.waitFor(() => store.get(both, ids), 30_000);
    for (const [each, answer] of answers.entries()) {
      const last = events - 1 - ((events - 1 - each) % USERS);
      expect(answer).toEqual({ 'profile.n': acknowledged[each], 'copy.n': each < events ? last : null });
    }
    const { views } = await store.stats();
    for (const name of ['profile', 'copy', 'clicks'])
      expect(views[name]?.rows).toBe((await cluster().keys(`*:${name}.1-0:*`)).length);
    expect(counter.stats().late).toBe(0);
  } finally {
    await store.close();
  }
}, 120_000);
