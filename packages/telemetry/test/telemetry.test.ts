/** Scopes, the log and the endpoints, as programs meet them: real channels, a real SDK, real HTTP. */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { counter, duration, endSpan, Gauges, type Logger, listen, logTo, Scope } from '@holdfast/telemetry';
import { metrics, ROOT_CONTEXT } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { expect, it } from 'vitest';

type Message = { readonly id: string; readonly error?: unknown };

const scope = new Scope<'begun' | 'failed', Message>({
  ...{ name: '@holdfast/tests', events: { begun: 'info', failed: 'error' } },
});
const begun = scope.instrument(counter('holdfast.tests.begun', '{test}', 'Tests that\nbegan.'));
const took = scope.instrument(duration('holdfast.tests.duration', 'Duration of a test.'));

/** Keeps what it is told, as [level, fields, message]. */
function newLogger(): Logger & { readonly lines: unknown[][] } {
  const lines: unknown[][] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push([level, fields, message]);
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

async function ask(port: number, path: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, body: await answer.text() };
}

it('a log has every message at its level, also of a package that is loaded later', () => {
  const logger = newLogger();
  expect(scope.isHeard()).toBe(false);
  const end = logTo(logger);
  expect(scope.isHeard()).toBe(true);
  const later = new Scope<'lost', Message>({ name: '@holdfast/later', events: { lost: 'warn' } });
  const error = new Error('broken');
  scope.publish('begun', { id: 'a' });
  scope.publish('failed', { id: 'b', error });
  later.publish('lost', { id: 'c' });
  end();
  expect(scope.isHeard()).toBe(false);
  scope.publish('begun', { id: 'd' });
  expect(logger.lines).toEqual([
    ['info', { id: 'a' }, 'holdfast:tests:begun'],
    ['error', { id: 'b', err: error }, 'holdfast:tests:failed'],
    ['warn', { id: 'c' }, 'holdfast:later:lost'],
  ]);
});

it('a logger that throws is told of once, and harms nobody', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const throwing = (): never => {
    throw new Error('full');
  };
  const end = logTo({ debug: throwing, info: throwing, warn: throwing, error: throwing });
  scope.publish('begun', { id: 'a' });
  scope.publish('begun', { id: 'b' });
  end();
  expect((await warned).message).toContain('full');
});

it('what is no logger is refused', () => {
  expect(() => logTo({ info: () => {} } as never)).toThrow(MisuseError);
  expect(() => logTo(undefined as never)).toThrow('"debug"');
});

it('answers whether the process runs and is ready', async () => {
  const worker: { problem: string | undefined } = { problem: undefined };
  await using endpoints = await listen(0, { workers: [worker, { problem: undefined }] });
  expect(await ask(endpoints.port, '/healthz')).toEqual({ status: 200, body: 'ok\n' });
  expect(await ask(endpoints.port, '/readyz?verbose')).toEqual({ status: 200, body: 'ready\n' });
  worker.problem = 'Redis does not answer';
  expect(await ask(endpoints.port, '/readyz')).toEqual({ status: 503, body: 'Redis does not answer\n' });
  expect(await ask(endpoints.port, '/healthz')).toMatchObject({ status: 200 });
  expect(await ask(endpoints.port, '/')).toMatchObject({ status: 404 });
});

it('counts for Prometheus while it listens, and adds what it is given', async () => {
  begun.record(1, { kind: 'early' });
  await using endpoints = await listen(0, { metrics: [() => 'more 1\n', async () => 'most 2\n'] });
  expect(scope.isHeard()).toBe(true);
  begun.record(2, { kind: 'a "quoted"\n\\ one' });
  begun.record(1, { kind: 'a "quoted"\n\\ one' });
  took.record(20, { 'test.kind': 'x' });
  took.record(400_000, { 'test.kind': 'x' });
  const { status, body } = await ask(endpoints.port, '/metrics');
  expect(status).toBe(200);
  expect(body).toContain('# HELP holdfast_tests_begun_total Tests that\\nbegan.\n');
  expect(body).toContain('# TYPE holdfast_tests_begun_total counter\n');
  expect(body).toContain('holdfast_tests_begun_total{kind="a \\"quoted\\"\\n\\\\ one"} 3\n');
  expect(body).not.toContain('early');
  expect(body).toContain('# TYPE holdfast_tests_duration_seconds histogram\n');
  expect(body).toContain('holdfast_tests_duration_seconds_bucket{test_kind="x",le="0.01"} 0\n');
  expect(body).toContain('holdfast_tests_duration_seconds_bucket{test_kind="x",le="0.025"} 1\n');
  expect(body).toContain('holdfast_tests_duration_seconds_bucket{test_kind="x",le="+Inf"} 2\n');
  expect(body).toContain('holdfast_tests_duration_seconds_sum{test_kind="x"} 400.02\n');
  expect(body).toContain('holdfast_tests_duration_seconds_count{test_kind="x"} 2\n');
  expect(body.endsWith('more 1\nmost 2\n')).toBe(true);
  await endpoints.close();
  expect(scope.isHeard()).toBe(false);
});

it('an instrument keeps a bounded number of combinations', async () => {
  await using endpoints = await listen(0);
  for (let number = 0; number < 2_000; number += 1) begun.record(1, { number });
  const { body } = await ask(endpoints.port, '/metrics');
  expect(body.match(/^holdfast_tests_begun_total\{/gm)).toHaveLength(1_000);
});

it('metrics that cannot be read are a 503, which shows the words of our own errors only', async () => {
  let error: Error = new UnavailableError('Redis did not answer.', []);
  await using endpoints = await listen(0, { metrics: [() => Promise.reject(error)] });
  expect(await ask(endpoints.port, '/metrics')).toMatchObject({
    status: 503,
    body: expect.stringContaining('did not answer'),
  });
  error = new Error('password hunter2');
  const { status, body } = await ask(endpoints.port, '/metrics');
  expect(status).toBe(503);
  expect(body).not.toContain('hunter2');
});

it('joins what several apps tell, so that each family has one heading, also beside what the process counts itself', async () => {
  const app = (name: string) =>
    `# HELP holdfast_x_total X.\n# TYPE holdfast_x_total counter\nholdfast_x_total{app="${name}"} 1\n`;
  const other = '# HELP y Y.\n# TYPE y gauge\ny 2\n';
  await using endpoints = await listen(0, { metrics: [() => app('a'), () => other, () => app('b')] });
  const { body } = await ask(endpoints.port, '/metrics');
  expect(body).toBe(
    '# HELP holdfast_x_total X.\n# TYPE holdfast_x_total counter\nholdfast_x_total{app="a"} 1\nholdfast_x_total{app="b"} 1\n' +
      other,
  );
});

it('a port that cannot be had, and options that cannot work, are refused', async () => {
  await using endpoints = await listen(0);
  await expect(listen(endpoints.port)).rejects.toThrow(MisuseError);
  await expect(listen(endpoints.port)).rejects.toThrow(`port ${endpoints.port}`);
  await expect(listen(70_000)).rejects.toThrow('got 70000');
  await expect(listen(0, { worker: [] } as never)).rejects.toThrow('"worker"');
});

it('an SDK that is set up after the first recording is found, and gauges are read when it reads', async () => {
  begun.record(1, {});
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  const gauges = new Gauges<{ long: number }>({
    scope: '@holdfast/tests',
    gauges: [
      { name: 'holdfast.tests.length', unit: '1', description: 'Length.', read: ({ long }) => ({ a: long }) },
    ],
    subject: { attribute: 'test.name', label: 'name' },
    part: { attribute: 'test.part', label: 'part' },
  });
  const end = gauges.observe(async () => [{ name: 'n', state: { long: 7 } }]);
  try {
    expect(scope.isHeard()).toBe(true);
    begun.record(5, { kind: 'late' });
    await reader.forceFlush();
    const read = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics));
    const points = (name: string) => read.find(({ descriptor }) => descriptor.name === name)?.dataPoints;
    expect(points('holdfast.tests.begun')).toMatchObject([{ value: 5, attributes: { kind: 'late' } }]);
    expect(points('holdfast.tests.length')).toMatchObject([
      { value: 7, attributes: { 'test.name': 'n', 'test.part': 'a' } },
    ]);
  } finally {
    end();
    await provider.shutdown();
    metrics.disable();
  }
});

it('a span ends whatever was thrown', () => {
  const hostile = Object.defineProperty(new Error(), 'message', {
    get: () => {
      throw new Error('no');
    },
  });
  for (const thrown of [hostile, Object.create(null), undefined, { toString: 1 }, 'text', 5n]) {
    endSpan(scope.startSpan('test', { attributes: {}, parent: ROOT_CONTEXT }), thrown);
  }
});
