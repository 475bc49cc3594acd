/** What workers tell of themselves: one trace from the start of a run through its steps, and metrics, by a real SDK. */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRedisGuard } from '@holdfast/fence/redis';
import { defineWorkflow, metricsText, NonRetryableError, observeWorkflows } from '@holdfast/workflow';
import { trace } from '@opentelemetry/api';
import { afterAll, expect, it } from 'vitest';
import { measured, reader, register, shutdown, spans } from '../../telemetry/test/sdk.js';
import { appOf, client, eventually, later, url, useRedis } from './setting.js';

useRedis();

afterAll(shutdown);

const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
  await ctx.step(
    'flaky',
    ({ attempt }) => {
      trace.getTracer('test').startSpan(`work ${attempt}`).end();
      if (attempt === 1) throw new Error('the first time');
    },
    { backoff: { type: 'constant', delay: 1 } },
  );
  await ctx.receive('go');
  return ctx.step('last', () => 1);
});
const broken = defineWorkflow({ name: 'broken' }, async (ctx) =>
  ctx.step('never', () => Promise.reject(new NonRetryableError('never'))),
);

it('keeps nothing with a run while nobody listens', async () => {
  const app = appOf([flow]);
  const run = await app.start(flow, null);
  const [header] = await run.history();
  expect(Object.keys(header ?? {}).sort()).toEqual(['at', 'generation', 'input', 'kind', 'workflow']);
});

it('is one trace from the start through every attempt, on whichever worker, and tells what it has counted', async () => {
  register();
  const heard: unknown[] = [];
  channel('holdfast:workflow:ended').subscribe((message) => heard.push(message));
  const apps = [appOf([flow, broken]), appOf([flow, broken])] as const;
  const first = apps[0].work();
  const tracer = trace.getTracer('test');
  const run = await tracer.startActiveSpan('request', async (span) => {
    const started = await apps[0].start(flow, null, { id: 'one' });
    span.end();
    return started;
  });
  await expect(apps[0].run(broken, null)).rejects.toThrow('never');
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  await eventually(async () => (await run.history()).length, 3);
  await first.stop();
  apps[1].work();
  await run.send('go');
  expect(await run.result()).toBe(1);
  const named = (name: string) => spans.getFinishedSpans().filter((span) => span.name === name);
  await eventually(() => named('step last').length, 1);
  const [request] = named('request');
  const mine = spans
    .getFinishedSpans()
    .filter((span) => span.spanContext().traceId === request?.spanContext().traceId);
  expect(mine.map(({ name }) => name).sort()).toEqual(
    ['request', 'start flow', 'step flaky', 'step flaky', 'step last', 'work 1', 'work 2'].sort(),
  );
  const [failed] = named('step flaky');
  expect(failed?.status.message).toBe('the first time');
  expect(failed?.attributes).toMatchObject({
    'holdfast.workflow': 'flow',
    'holdfast.workflow.run': 'one',
    'holdfast.workflow.attempt': 1,
    'holdfast.workflow.outcome': 'failed',
  });
  expect(named('work 1')[0]?.parentSpanContext?.spanId).toBe(failed?.spanContext().spanId);
  expect(heard).toContainEqual({
    ...{ workflow: 'flow', run: 'one', status: 'completed' },
    duration: expect.any(Number),
  });

  const stop = observeWorkflows([apps[0]]);
  await reader.forceFlush();
  stop();
  const all =
    measured
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  const points = (name: string) =>
    all
      .find(({ descriptor }) => descriptor.name === name)
      ?.dataPoints.map(({ attributes, value }) => [Object.values(attributes).join(' '), value]) ?? [];
  expect(points('holdfast.workflow.started').sort()).toEqual([
    ['broken', 1],
    ['flow', 1],
  ]);
  expect(points('holdfast.workflow.ended').sort()).toEqual([
    ['broken failed', 1],
    ['flow completed', 1],
  ]);
  expect(points('holdfast.workflow.step.duration').map(([of]) => of)).toEqual(
    expect.arrayContaining(['flow flaky failed', 'flow flaky done', 'broken never failed', 'flow last done']),
  );
  const [, whole] = points('holdfast.workflow.duration').find(([of]) => of === 'flow completed') ?? [];
  expect(whole).toMatchObject({ count: 1, sum: expect.any(Number) });
  expect((whole as { buckets: { boundaries: number[] } }).buckets.boundaries.at(-1)).toBe(604_800);
  expect(points('holdfast.workflow.demand').sort()).toEqual([
    ['broken', 0],
    ['flow', 0],
  ]);
});

it('has the children of a run in its trace', async () => {
  const child = defineWorkflow({ name: 'child' }, (ctx) => ctx.step('inner', () => 1));
  const parent = defineWorkflow({ name: 'parent' }, (ctx) => ctx.child(child, null));
  const app = appOf([child, parent]);
  app.work();
  await app.run(parent, null);
  const named = (name: string) => spans.getFinishedSpans().filter((span) => span.name === name);
  await eventually(() => named('step inner').length, 1);
  expect(named('step inner')[0]?.spanContext().traceId).toBe(named('start parent')[0]?.spanContext().traceId);
  const kinds: string[] = [];
  for await (const event of app.events({ after: 'oldest' })) {
    if (event.kind !== 'gap') kinds.push(`${event.kind} ${event.workflow}`);
    if (kinds.length === 4) break;
  }
  expect(kinds).toEqual(['started parent', 'started child', 'ended child', 'ended parent']);
});

it('says how much there is to do, for what scales workers', async () => {
  const app = appOf([flow, broken], { partitions: 2 });
  for (const id of ['1', '2', '3']) await app.start(flow, null, { id });
  await eventually(async () => ((await app.demand())['flow']?.oldest ?? 0) > 0, true);
  expect(await app.demand()).toMatchObject({
    flow: { waiting: 3, running: 0, stuck: 0 },
    broken: { waiting: 0, running: 0, stuck: 0, oldest: 0 },
  });
  const text = await metricsText([app]);
  expect(text).toContain('holdfast_workflow_demand{workflow="flow"} 3\n');
  expect(text).toContain('holdfast_workflow_runs{workflow="flow",state="waiting"} 3\n');
  expect(text).toMatch(/holdfast_workflow_oldest_seconds\{workflow="flow"\} 0\.\d+\n/);
});

it('tells of what a guard has refused to a body that was stopped before', async () => {
  const refused: unknown[] = [];
  const hear = (message: unknown): number => refused.push(message);
  subscribe('holdfast:workflow:refused', hear);
  later(() => unsubscribe('holdfast:workflow:refused', hear));
  const guard = createRedisGuard({ redis: url() });
  later(() => guard.close());
  await guard.initialize();
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = defineWorkflow({ name: 'slow' }, (ctx) =>
    ctx.step(
      'write',
      async (step) => {
        const sealed = await guard.seal(step, { resource: 'x' });
        if (step.attempt === 1) await released; // for longer than its timeout
        await sealed.write([['SET', 'x', step.attempt]]);
        release();
      },
      { timeout: 100, backoff: { type: 'constant', delay: 1 } },
    ),
  );
  const app = appOf([slow]);
  app.work();
  await app.run(slow, null, { id: 's' });
  await eventually(() => refused, [
    { workflow: 'slow', run: 's', reason: expect.stringContaining('is stale') },
  ] as unknown[]);
  expect(await client().get('x')).toBe('2');
});

it('tells of what was refused because another owns the run', async () => {
  const refused: unknown[] = [];
  channel('holdfast:workflow:refused').subscribe((message) => refused.push(message));
  const hung = defineWorkflow({ name: 'hung' }, (ctx) =>
    ctx.step('take over', async () => {
      for (const key of await client().keys('*:live')) {
        const field = (await client().hkeys(key)).find((each) => each.startsWith('hung/'));
        if (field !== undefined) await client().hdel(key, field);
      }
    }),
  );
  const other = appOf([hung]);
  other.work();
  await other.start(hung, null, { id: 'h' });
  await eventually(() => refused, [
    { workflow: 'hung', run: 'h', reason: expect.stringContaining('another worker') },
  ] as unknown[]);
});
