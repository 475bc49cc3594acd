/** What a feature store tells of itself: traces from a record of a source to its row, metrics by a real SDK, and messages. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  createFeatures,
  entity,
  type FeaturesMessage,
  metricsText,
  observeFeatures,
  redisStream,
  service,
  t,
  view,
} from '@holdfast/features';
import type { TokenHolder } from '@holdfast/kernel';
import { trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { measured, reader, register, shutdown, spans } from '../../telemetry/test/sdk.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

beforeAll(register);
beforeEach(() => spans.reset());
afterAll(shutdown);

const user = entity('user');
const profile = view('profile', { entity: user, ttl: 60_000, fields: { n: t.int() } });
const ranking = service('ranking', { views: { profile } });
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

async function storeOf(name: string) {
  const store = createFeatures({ redis: url(), name, views: [profile], services: [ranking], partitions: 2 });
  later(() => store.close());
  await store.apply();
  return store;
}

/** The points of a metric, for one store, as the SDK has read them last. */
async function pointsOf(name: string, store: string) {
  await reader.forceFlush();
  const all =
    measured
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  const points = all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  return points
    .filter(({ attributes }) => attributes['holdfast.features.store'] === store)
    .map(({ attributes, value }) => {
      const { 'holdfast.features.store': _, ...others } = attributes;
      return {
        value,
        ...Object.fromEntries(Object.entries(others).map(([key, of]) => [key.split('.').at(-1), of])),
      };
    });
}

const messagesOf = (event: string): FeaturesMessage[] => {
  const heard: FeaturesMessage[] = [];
  const listen = (message: unknown): void => void heard.push(message as FeaturesMessage);
  subscribe(`holdfast:features:${event}`, listen);
  later(() => unsubscribe(`holdfast:features:${event}`, listen));
  return heard;
};

it('counts rows that land and that are read, by what became of them, and times both', async () => {
  const store = await storeOf('counts');
  const lane = await store.open(profile, { holder: holderOf(7) });
  const now = Date.now();
  const row = (id: string, time: number) => ({ id, time, values: { n: 1 } });
  await lane.land([
    row('a', now),
    row('b', now - 70_000),
    row('c', now),
    row('c', now - 5),
    row('d', now + 1e9),
  ]);
  const tracer = trace.getTracer('test');
  await tracer.startActiveSpan('request', async (span) => {
    await store.get(ranking, [{ user: 'a' }, { user: 'b' }, { user: 'x' }]);
    span.end();
  });
  await expect(store.get(ranking, [{} as { user: string }])).rejects.toThrow();

  const about = { view: 'profile', lane: 'batch' };
  expect(await pointsOf('holdfast.features.landed', 'counts')).toEqual(
    expect.arrayContaining([
      { ...about, outcome: 'accepted', value: 3 },
      { ...about, outcome: 'older', value: 1 },
      { ...about, outcome: 'refused', value: 1 },
    ]),
  );
  expect(await pointsOf('holdfast.features.land.duration', 'counts')).toMatchObject([
    { ...about, value: { count: 2 } },
  ]);
  const served = await pointsOf('holdfast.features.served', 'counts');
  expect(served.sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)))).toEqual([
    { view: 'profile', outcome: 'expired', value: 1 },
    { view: 'profile', outcome: 'missing', value: 1 },
    { view: 'profile', outcome: 'served', value: 1 },
  ]);
  expect(await pointsOf('holdfast.features.read.duration', 'counts')).toMatchObject([
    { service: 'ranking', value: { count: 1 } },
    { service: 'ranking', type: 'HOLDFAST_ROW', value: { count: 1 } },
  ]);
  const finished = spans.getFinishedSpans();
  const [get] = finished.filter(({ name }) => name === 'holdfast.features.get');
  const [request] = finished.filter(({ name }) => name === 'request');
  expect(get?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  expect(get?.attributes).toMatchObject({ 'holdfast.features.ids': 3 });
  const [land] = finished.filter(({ name }) => name === 'holdfast.features.land');
  expect(land?.attributes).toMatchObject({ 'holdfast.features.rows': 5, 'holdfast.features.lane': 'batch' });
});

it('links what lands to the traces of the records that it is made of, and tells of those that cannot be read', async () => {
  const store = await storeOf('links');
  const unreadable = messagesOf('unreadable');
  const traceIds = ['1'.repeat(32), '2'.repeat(32)];
  for (const [n, id] of traceIds.entries())
    await client().xadd('s', '*', 'id', 'a', 'n', String(n), 'traceparent', `00-${id}-${'3'.repeat(16)}-01`);
  await client().xadd('s', '*', 'id', 'bad');
  const lane = await store.open(profile, { lane: 'stream', holder: holderOf(7) });
  lane.follow(redisStream({ redis: url(), streams: ['s'] }), (value) => {
    const { id, n } = value as { id: string; n?: string };
    if (n === undefined) throw new Error('no n');
    return { id, time: Date.now(), values: { n: Number(n) } };
  });
  await vi.waitFor(() => expect(lane.stats()).toMatchObject({ accepted: 2, refused: 1 }), 20_000);
  const [take] = spans.getFinishedSpans().filter(({ name }) => name === 'holdfast.features.take');
  expect(take?.links.map(({ context: { traceId } }) => traceId)).toEqual(traceIds);
  expect(take?.attributes).toMatchObject({ 'holdfast.features.rows': 2, 'holdfast.features.lane': 'stream' });
  expect(unreadable).toMatchObject([
    { store: 'links', view: 'profile', lane: 'stream', error: { message: 'no n' } },
  ]);
  expect(await pointsOf('holdfast.features.unreadable', 'links')).toEqual([
    { view: 'profile', lane: 'stream', value: 1 },
  ]);

  const stop = observeFeatures([store]);
  const metric = async (name: string) => (await pointsOf(`holdfast.features.${name}`, 'links'))[0];
  expect(await metric('rows')).toEqual({ view: 'profile', value: 1 });
  expect(await metric('dead_letters')).toEqual({ view: 'profile', value: 1 });
  expect(await metric('lag')).toEqual({ view: 'profile', value: 0 });
  expect((await metric('freshness'))?.value).toBeLessThan(60);
  stop();
  const text = await metricsText([store]);
  expect(text).toContain('holdfast_features_rows{store="links",view="profile"} 1\n');
  expect(text).toContain('holdfast_features_log{store="links"}');
  expect(text).toMatch(/holdfast_features_freshness_seconds\{store="links",view="profile"\} \d/);
});

it('tells who was refused because of a higher token, and of cuts', async () => {
  const store = await storeOf('refused');
  const [refused, cuts] = [messagesOf('refused'), messagesOf('cut')];
  const first = await store.open(profile, { holder: holderOf(7) });
  await store.open(profile, { holder: holderOf(8) });
  const row = { id: 'a', time: Date.now(), values: { n: 1 } };
  await expect(first.land([row])).rejects.toThrow(/token 8/);
  await store.begin(profile, { holder: holderOf(9) });
  await expect(store.begin(profile, { holder: holderOf(8) })).rejects.toThrow(/token 9/);
  expect(refused.map(({ view: of, lane }) => [of, lane])).toEqual([
    ['profile', 'batch'],
    ['profile', undefined],
  ]);
  expect(await pointsOf('holdfast.features.refused', 'refused')).toEqual([
    { refused: 'lane', value: 1 },
    { refused: 'builder', value: 1 },
  ]);
  const next = await store.begin(profile, { holder: holderOf(9) });
  await next.cut({ lanes: { batch: 'ended' } });
  expect(cuts).toMatchObject([{ store: 'refused', view: 'profile', generation: next.id }]);
  expect(cuts[0]?.error).toBeUndefined();
});

it('says how much a store holds, by generation, and what was refused', async () => {
  const store = await storeOf('holds');
  const lane = await store.open(profile, { holder: holderOf(7) });
  const time = Date.now() - 5_000;
  const rows = ['a', 'b', 'c'].map((id) => ({ id, time, values: { n: 1 } }));
  await lane.land(rows);
  await lane.land(rows.map((row) => ({ ...row, time: time - 1 })));
  await store.begin(profile, { holder: holderOf(8) });
  const { views, log } = await store.stats();
  expect(views['profile']).toMatchObject({
    ...{ live: '1-0', rows: 3, newest: new Date(time), deadLetters: 0 },
    refused: { older: 3, equal: 0, late: 0, impossible: 0 },
    generations: [
      { id: '1-0', state: 'live', rows: 3 },
      { id: '2-8', state: 'filling', rows: 0 },
    ],
  });
  expect(views['profile']?.age).toBeGreaterThanOrEqual(5_000);
  expect(log.entries).toBeGreaterThan(0);
  const unapplied = createFeatures({ redis: url(), name: 'none', views: [profile] });
  later(() => unapplied.close());
  expect((await unapplied.stats()).views).toEqual({});
});

it('leaves out a store that does not answer', async () => {
  const store = await storeOf('away');
  const gone = createFeatures({
    redis: 'redis://127.0.0.1:1',
    name: 'gone',
    views: [profile],
    callTimeout: 50,
  });
  later(() => gone.close());
  const text = await metricsText([gone, store]);
  expect(text).toContain('store="away"');
  expect(text).not.toContain('store="gone"');
});

it('counts what a service with a cache has read from it, and what not', async () => {
  const kept = service('kept', { views: { profile }, cache: { maxAge: 3_600_000 } });
  const options = {
    redis: url(),
    name: 'caching',
    views: [profile],
    services: [ranking, kept],
    partitions: 2,
  };
  const store = createFeatures(options);
  later(() => store.close());
  await store.apply();
  const ids = ['a', 'b', 'c'].map((user) => ({ user }));
  await store.get(kept, ids.slice(0, 2));
  await store.get(kept, ids);
  await store.get(kept, ids, undefined, { fresh: 0 });
  await store.get(ranking, ids);
  const points = await pointsOf('holdfast.features.cached', 'caching');
  expect(points.sort((one, other) => Number(one.value) - Number(other.value))).toEqual([
    { outcome: 'hit', value: 2 },
    { outcome: 'miss', value: 6 },
  ]);
});
