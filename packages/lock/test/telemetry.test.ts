/** What leases tell of themselves: spans and metrics through a real SDK, and messages on the channels. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { StaleTokenError } from '@holdfast/fence';
import { createRedisGuard } from '@holdfast/fence/redis';
import { BusyError, type LockMessage } from '@holdfast/lock';
import { trace } from '@opentelemetry/api';
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { measured, reader, register, shutdown, spans } from '../../telemetry/test/sdk.js';
import { deploy } from './deployment.js';

beforeAll(register);
beforeEach(() => spans.reset());
afterAll(shutdown);

const CHANNELS = ['acquired', 'refused', 'waited', 'renewed', 'lost', 'released'].map(
  (name) => `holdfast:lock:${name}`,
);

/** All messages, as "channel resource". */
function listen(channels: readonly string[]): Disposable & { heard: [string, LockMessage][] } {
  const heard: [string, LockMessage][] = [];
  const listeners = channels.map((name) => {
    const listener = (message: unknown): void => void heard.push([name, message as LockMessage]);
    subscribe(name, listener);
    return () => unsubscribe(name, listener);
  });
  return {
    heard,
    [Symbol.dispose]() {
      for (const end of listeners) end();
    },
  };
}

/** The sum of a counter, or the count of a histogram, over the points with these attributes. */
async function total(name: string, attributes: Readonly<Record<string, unknown>>): Promise<number> {
  measured.reset();
  await reader.forceFlush();
  const found = measured
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap((scope) => scope.metrics)
    .filter(({ descriptor }) => descriptor.name === name)
    .flatMap(({ dataPoints }) => dataPoints as DataPoint<number | Histogram>[])
    .filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value));
  return found.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0);
}

const named = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((span) => span.name === name);

it('a routine under a lease: spans that belong together, metrics, messages', async () => {
  await using deployment = await deploy(3);
  const deploymentName = { 'holdfast.deployment': 'holdfast', 'holdfast.lock.kind': 'exclusive' };
  const locks = deployment.locks({ identity: 'me' });
  using channels = listen(CHANNELS);
  await locks.using('r', { ttl: 60_0 }, async (lease) => {
    trace.getTracer('test').startSpan('work').end();
    expect(await total('holdfast.lock.held', deploymentName)).toBe(1);
    await lease.extend();
  });
  const [acquire, hold, renew, work] = [
    'holdfast.lock.acquire',
    'holdfast.lock.hold',
    'holdfast.lock.renew',
    'work',
  ].map((name) => named(name)[0]);
  expect(acquire?.attributes).toMatchObject({
    'holdfast.deployment': 'holdfast',
    'holdfast.lock.kind': 'exclusive',
    'holdfast.lock.resource': 'r',
    'holdfast.lock.token': expect.any(Number),
    'holdfast.lock.owner': expect.stringMatching(/^me\//),
  });
  expect(hold?.attributes['holdfast.lock.token']).toBe(acquire?.attributes['holdfast.lock.token']);
  expect(renew?.attributes['holdfast.lock.outcome']).toBe('kept');
  for (const inner of [renew, work])
    expect(inner?.parentSpanContext?.spanId).toBe(hold?.spanContext().spanId);
  expect(await total('holdfast.lock.held', deploymentName)).toBe(0);
  expect(await total('holdfast.lock.acquire.duration', deploymentName)).toBe(1);
  expect(await total('holdfast.lock.hold.duration', deploymentName)).toBe(1);
  expect(await total('holdfast.lock.renewals', { 'holdfast.lock.outcome': 'kept' })).toBeGreaterThanOrEqual(
    1,
  );
  const names = channels.heard.map(([name]) => name.replace('holdfast:lock:', ''));
  expect(names[0]).toBe('acquired');
  expect(names).toContain('renewed');
  expect(names.at(-1)).toBe('released');
  expect(channels.heard[0]?.[1]).toMatchObject({
    resource: 'r',
    kind: 'exclusive',
    duration: expect.any(Number),
  });
});

it('who waits in vain, and who is called', async () => {
  await using deployment = await deploy(3);
  const [holder, other] = [deployment.locks(), deployment.locks()];
  const lease = await holder.acquire('r', { ttl: 2_000 });
  spans.reset();
  using channels = listen(CHANNELS);
  await expect(other.acquire('r', { wait: 500, ttl: 1_000 })).rejects.toThrow(BusyError);
  const [failed] = named('holdfast.lock.acquire');
  expect(failed?.attributes['error.type']).toBe('HOLDFAST_BUSY');
  expect(failed?.status.code).toBe(2);
  expect(named('holdfast.lock.wait')[0]?.parentSpanContext?.spanId).toBe(failed?.spanContext().spanId);
  expect(await total('holdfast.lock.acquire.duration', { 'error.type': 'HOLDFAST_BUSY' })).toBe(1);
  const waiting = other.acquire('r', { wait: 10_000, ttl: 1_000 });
  await vi.waitFor(async () => expect(await total('holdfast.lock.waiters', {})).toBe(1), 20_000);
  await lease.release();
  await (await waiting).release();
  expect(await total('holdfast.lock.waiters', {})).toBe(0);
  expect(await total('holdfast.lock.wait.duration', {})).toBe(2);
  const heard = channels.heard.map(([name]) => name.replace('holdfast:lock:', ''));
  expect(heard).toEqual(['waited', 'refused', 'released', 'waited', 'acquired', 'released']);
});

it('a lease that is lost, and a stale token that is refused', async () => {
  await using deployment = await deploy(3);
  const locks = deployment.locks();
  using channels = listen([...CHANNELS, 'holdfast:fence:refused']);
  const guard = createRedisGuard({ redis: deployment.urls[0] ?? '', window: 500 });
  await guard.initialize();
  const lease = await locks.acquire('r', { ttl: 200 });
  const ended = new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
  await ended;
  expect(await total('holdfast.lock.lost', {})).toBe(1);
  expect(named('holdfast.lock.hold')[0]?.attributes['error.type']).toBe('HOLDFAST_LEASE_LOST');
  const next = await locks.acquire('r', { ttl: 1_000 });
  await guard.seal(next);
  await expect(guard.seal(lease)).rejects.toThrow(StaleTokenError);
  expect(await total('holdfast.fence.refused', { 'holdfast.fence.guard': 'redis' })).toBe(1);
  expect(channels.heard.at(-1)).toEqual([
    'holdfast:fence:refused',
    {
      ...{ guard: 'redis', resource: 'r', issuer: 'locks:holdfast', reason: 'lower' },
      ...{ offered: lease.token, seen: next.token },
    },
  ]);
  await next.release();
  await guard.close();
});
