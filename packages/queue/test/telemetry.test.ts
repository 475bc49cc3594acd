/** What queues and workers tell of themselves: one trace from the add through every attempt, and metrics, by a real SDK. */

import { observeQueues } from '@holdfast/queue';
import { trace } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { measured, reader, register, shutdown, spans } from '../../telemetry/test/sdk.js';
import { queueOf, useRedis, workerOf } from './setting.js';

useRedis();

beforeAll(register);
afterAll(shutdown);

it('is one trace from the add through every attempt and what the handler does', async () => {
  const queue = queueOf<number>({ attempts: 2, backoff: { type: 'constant', delay: 0 } });
  const tracer = trace.getTracer('test');
  const id = await tracer.startActiveSpan('request', async (span) => {
    const added = await queue.add(1);
    span.end();
    return added.id;
  });
  workerOf({
    queue,
    handler: async ({ attempt }) => {
      tracer.startSpan(`work ${attempt}`).end();
      if (attempt === 1) throw new Error('the first time');
      return attempt;
    },
  });
  expect(await queue.wait(id)).toBe(2);
  await expect.poll(() => spans.getFinishedSpans().length).toBe(5);
  const finished = spans.getFinishedSpans();
  expect(new Set(finished.map((span) => span.spanContext().traceId)).size).toBe(1);
  const attempts = finished.filter(({ name }) => name === 'process q');
  expect(attempts.map(({ attributes }) => attributes)).toMatchObject([
    { 'messaging.message.id': id, 'holdfast.queue.attempt': 1, 'holdfast.queue.outcome': 'retry' },
    { 'messaging.message.id': id, 'holdfast.queue.attempt': 2, 'holdfast.queue.outcome': 'done' },
  ]);
  expect(attempts[0]?.status.message).toBe('the first time');
  const [work] = finished.filter(({ name }) => name === 'work 1');
  expect(work?.parentSpanContext?.spanId).toBe(attempts[0]?.spanContext().spanId);

  const stop = observeQueues([queue]);
  await reader.forceFlush();
  const all =
    measured
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  const points = (name: string) => all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  expect(points('holdfast.queue.added')).toMatchObject([
    { value: 1, attributes: { 'messaging.destination.name': 'q' } },
  ]);
  const outcomes = points('holdfast.queue.process.duration').map(
    ({ attributes }) => attributes['holdfast.queue.outcome'],
  );
  expect(outcomes.sort()).toEqual(['done', 'retry']);
  expect(
    points('holdfast.queue.tasks').map(({ attributes, value }) => [
      attributes['holdfast.queue.state'],
      value,
    ]),
  ).toEqual([
    ['waiting', 0],
    ['active', 0],
    ['delayed', 0],
    ['dead', 0],
  ]);
  expect(points('holdfast.queue.workers')).toMatchObject([{ value: 1 }]);
  stop();
});
