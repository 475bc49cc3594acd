/** What a store that was closed says, on a real Redis. */
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures, type Features } from '../src/features.js';
import { redisStream } from '../src/source/redis-stream.js';
import { client, later, node, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const ranking = service('ranking', { views: { profile }, cache: {} });
const holder = { token: 1, resource: 'r', issuer: 'i' };
const ids = [{ user: 'u1' }];
const row = { id: 'u1', time: 1, values: { n: 1 } };

async function appliedStore(): Promise<Features> {
  const store = createFeatures({
    redis: url(),
    name: 'shop',
    partitions: 2,
    views: [profile],
    services: [ranking],
  });
  later(() => store.close());
  await store.apply();
  return store;
}

it('every call of a store that was closed is a MisuseError, also where it had read before', async () => {
  const store = await appliedStore();
  const lane = await store.open(profile, { holder });
  const generation = await store.begin(profile, { holder: { ...holder, token: 2 } });
  await lane.land([row]);
  await store.get(ranking, ids);
  await store.close();
  await store.close();
  const calls: Record<string, () => Promise<unknown>> = {
    get: () => store.get(ranking, ids),
    vector: () => store.vector(ranking, ids),
    warm: () => store.warm(ranking, ids),
    rows: () => store.rows(profile, ['u1']),
    none: () => store.rows(profile, []),
    apply: () => store.apply(),
    open: () => store.open(profile, { holder }),
    begin: () => store.begin(profile, { holder }),
    generation: () => store.generation(profile, '1-0', { holder }),
    generations: () => store.generations(profile),
    stats: () => store.stats(),
    deadLetters: () => store.deadLetters(profile),
    erase: () => store.erase(user, 'u1', { holder }),
    services: () => store.services(),
    land: () => lane.land([row]),
    finish: () => lane.finish(),
    cut: () => generation.cut({ lanes: { batch: 'ended' } }),
    retire: () => generation.retire(),
  };
  const found = await Promise.all(
    Object.entries(calls).map(async ([name, call]) => [
      name,
      await call().then(
        () => 'done',
        (error: Error) => `${error.name}: ${error.message.replace(/^.*(closed).*$/s, '$1')}`,
      ),
    ]),
  );
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(Object.keys(calls).map((name) => [name, 'MisuseError: closed'])),
  );
  expect(() => lane.follow(redisStream({ redis: client(), streams: ['events'] }), () => null)).toThrow(
    MisuseError,
  );
});

it('calls that are under way when a store is closed are AbortedErrors', async () => {
  const store = await appliedStore();
  const lane = await store.open(profile, { holder });
  await store.get(ranking, ids);
  node().freeze();
  later(() => node().thaw());
  const calls = [
    store.rows(profile, ['u1']),
    store.stats(),
    store.get(ranking, [{ user: 'u2' }]),
    lane.land([row]),
  ];
  lane.flush();
  const ended = Promise.allSettled(calls);
  await store.close();
  for (const each of await ended) {
    expect(each.status).toBe('rejected');
    expect((each as PromiseRejectedResult).reason).toBeInstanceOf(AbortedError);
  }
});
