/** What an index in Redis tells of itself: spans and metrics by a real SDK, messages, and gauges of what a process has. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { MisuseError } from '@holdfast/kernel';
import { trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { measured, reader, register, shutdown, spans } from '../../telemetry/test/sdk.js';
import { metricsText, observeIndexes, type VectorsMessage } from '../src/index.js';
import { client, holderOf, later, server, useRedis } from './setting.js';

useRedis();

beforeAll(register);
beforeEach(() => spans.reset());
afterAll(shutdown);

const EAST = [1, 0, 0];

/** The points of a metric, for one index, as the SDK has read them last, by the last words of their attributes. */
async function pointsOf(name: string, index: string) {
  await reader.forceFlush();
  const all = measured.getMetrics().at(-1)?.scopeMetrics ?? [];
  const metric = all.flatMap(({ metrics }) => metrics).find(({ descriptor }) => descriptor.name === name);
  return (metric?.dataPoints ?? [])
    .filter(({ attributes }) => attributes['holdfast.vectors.index'] === index)
    .map(({ attributes: { 'holdfast.vectors.index': _, ...others }, value }) => ({
      value,
      ...Object.fromEntries(Object.entries(others).map(([key, of]) => [key.split('.').at(-1), of])),
    }));
}

const messagesOf = (event: string): VectorsMessage[] => {
  const heard: VectorsMessage[] = [];
  const listen = (message: unknown): void => void heard.push(message as VectorsMessage);
  subscribe(`holdfast:vectors:${event}`, listen);
  later(() => unsubscribe(`holdfast:vectors:${event}`, listen));
  return heard;
};

it('counts and times what is written and searched, under the span that is active', async () => {
  const index = server({ name: 'counts' });
  await index.put({ id: 'a', vector: EAST }, { time: 5 });
  await index.put({ id: 'a', vector: EAST }, { time: 4 });
  await index.patch('none', { n: 1 });
  await index.delete('a');
  await trace.getTracer('test').startActiveSpan('request', async (span) => {
    await index.search({ vector: EAST });
    span.end();
  });
  await expect(index.search({ vector: EAST, after: 'another@1' })).rejects.toThrow();
  const written = await pointsOf('holdfast.vectors.written', 'counts');
  expect(written).toHaveLength(4);
  expect(written).toEqual(
    expect.arrayContaining([
      { write: 'put', outcome: 'written', value: 1 },
      { write: 'put', outcome: 'older', value: 1 },
      { write: 'patch', outcome: 'absent', value: 1 },
      { write: 'delete', outcome: 'written', value: 1 },
    ]),
  );
  expect(await pointsOf('holdfast.vectors.write.duration', 'counts')).toMatchObject([
    { write: 'put', value: { count: 2 } },
    { write: 'patch', value: { count: 1 } },
    { write: 'delete', value: { count: 1 } },
  ]);
  expect(await pointsOf('holdfast.vectors.search.duration', 'counts')).toMatchObject([
    { value: { count: 1 } },
    { type: 'HOLDFAST_PLACE_LOST', value: { count: 1 } },
  ]);
  const finished = spans.getFinishedSpans();
  const [search] = finished.filter(({ name }) => name === 'holdfast.vectors.search');
  const [request] = finished.filter(({ name }) => name === 'request');
  expect(search?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  expect(search?.attributes).toMatchObject({ 'holdfast.vectors.limit': 10 });
  const [put] = finished.filter(({ name }) => name === 'holdfast.vectors.put');
  expect(put?.attributes).toMatchObject({ 'holdfast.vectors.index': 'counts', 'holdfast.vectors.id': 'a' });
});

it('tells of stale tokens, and of servers that may have forgotten', async () => {
  const [refused, epochs] = [messagesOf('refused'), messagesOf('epoch')];
  const index = server({ name: 'told' });
  await index.put({ id: 'a', vector: EAST }, { holder: holderOf(7) });
  await expect(index.delete('a', { holder: holderOf(6) })).rejects.toThrow();
  expect(refused).toMatchObject([{ index: 'told', id: 'a', error: { name: 'StaleTokenError' } }]);
  expect(await pointsOf('holdfast.vectors.refused', 'told')).toEqual([{ value: 1 }]);
  await index.ready();
  expect(epochs).toEqual([]);
  await client().flushall();
  await index.ready();
  expect(epochs).toMatchObject([{ index: 'told', epoch: expect.stringMatching(/^\d+-/) }]);
  expect(await pointsOf('holdfast.vectors.epochs', 'told')).toEqual([{ value: 1 }]);
});

it('gauges what a process has, for the SDK and for Prometheus', async () => {
  const index = server({ name: 'held' });
  await index.put({ id: 'a', vector: EAST });
  await index.ready();
  later(observeIndexes([index]));
  expect(await pointsOf('holdfast.vectors.documents', 'held')).toEqual([{ value: 1 }]);
  expect(await pointsOf('holdfast.vectors.unapplied', 'held')).toEqual([{ value: 0 }]);
  const text = await metricsText([index]);
  expect(text).toContain('holdfast_vectors_documents{index="held"} 1\n');
  expect(text).toMatch(/^holdfast_vectors_bytes\S*\{index="held"\} [1-9]\d*$/m);
  expect(() => observeIndexes(index as never)).toThrow(MisuseError);
});
