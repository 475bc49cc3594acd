/** What the diagnostics channels tell, and a log and a health check that stand on them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { QueueFullError, type QueueMessage } from '@holdfast/queue';
import { listen, logTo } from '@holdfast/telemetry';
import { expect, it } from 'vitest';
import { client, eventually, later, node, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

function hear(): (QueueMessage & { channel: string })[] {
  const heard: (QueueMessage & { channel: string })[] = [];
  for (const event of ['begun', 'ended', 'failed', 'lost', 'refused', 'full']) {
    const listener = (message: unknown): void =>
      void heard.push({ channel: event, ...(message as QueueMessage) });
    subscribe(`holdfast:queue:${event}`, listener);
    later(() => void unsubscribe(`holdfast:queue:${event}`, listener));
  }
  return heard;
}

it('tells of each attempt that it begins, and how it ends', async () => {
  const heard = hear();
  const queue = queueOf<number>({ attempts: 2, backoff: { type: 'constant', delay: 0 } });
  workerOf({
    queue,
    handler: ({ attempt }) => {
      if (attempt === 1) throw new Error('once');
    },
  });
  const { id } = await queue.add(1);
  await eventually(() => heard.length, 4);
  expect(heard).toMatchObject([
    { channel: 'begun', queue: 'q', id, attempt: 1, token: expect.any(Number) },
    { channel: 'failed', id, attempt: 1, outcome: 'retry', error: new Error('once') },
    { channel: 'begun', id, attempt: 2 },
    { channel: 'ended', id, attempt: 2, outcome: 'done' },
  ]);
  expect(heard[2]?.token).toBeGreaterThan(heard[1]?.token ?? 0);
});

it('tells of tasks that expired, and of adds that a full queue refused', async () => {
  const heard = hear();
  const queue = queueOf<number>({ limits: { waiting: 1 } });
  await queue.add(1, { expires: 1 });
  await expect(queue.add(2)).rejects.toThrow(QueueFullError);
  await eventually(async () => Number((await queue.counts()).oldest) > 5, true);
  workerOf({ queue, handler: () => {} });
  await eventually(() => heard.length, 2);
  expect(heard).toMatchObject([
    { channel: 'full', queue: 'q', error: { code: 'HOLDFAST_QUEUE_FULL' } },
    { channel: 'failed', outcome: 'dead', error: { message: expect.stringMatching(/expired/) } },
  ]);
});

it('tells of each task whose lease was lost, and that its outcome was refused', async () => {
  const heard = hear();
  const queue = queueOf<number>();
  let end = (): void => {};
  workerOf({
    queue,
    lease: 300,
    handler: ({ data }) => (data === 1 ? new Promise<void>((resolve) => (end = resolve)) : undefined),
  });
  const { id } = await queue.add(1);
  await eventually(() => heard.length, 1);
  await client().flushall();
  await eventually(() => heard.filter(({ channel }) => channel !== 'begun').length, 2);
  end();
  const lost = heard.find(({ channel }) => channel === 'lost');
  expect(lost).toMatchObject({ queue: 'q', id, attempt: 1, error: { code: 'HOLDFAST_LEASE_LOST' } });
  expect(heard.find(({ channel }) => channel === 'refused')).toMatchObject({ queue: 'q', count: 1 });
});

it('a log and the endpoints follow a worker, also while its Redis is away', async () => {
  const lines: string[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${(fields as QueueMessage).id ?? ''}`);
  later(logTo({ debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }));
  const queue = queueOf<number>();
  const worker = workerOf({ queue, lease: 300, handler: () => {}, onError: () => {} });
  const endpoints = await listen(0, { workers: [worker] });
  later(() => endpoints.close());
  const ask = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${endpoints.port}${path}`)).status;
  await eventually(() => ask('/readyz'), 200);
  const { id } = await queue.add(1);
  await eventually(() => lines, [`debug holdfast:queue:begun ${id}`, `debug holdfast:queue:ended ${id}`]);
  await node().stop();
  try {
    await eventually(() => ask('/readyz'), 503);
    expect(await ask('/healthz')).toBe(200);
  } finally {
    await node().start();
  }
  await eventually(() => ask('/readyz'), 200);
});
