/** Lanes that follow a topic of Kafka, over its protocol: kafkajs, and the broker that librdkafka brings for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TokenHolder } from '@holdfast/kernel';
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures, type Features } from '../src/features.js';
import { type KafkaMessage, kafka } from '../src/source/kafka.js';
import type { Source } from '../src/source/source.js';
import { later, url, useRedis } from './setting.js';

useRedis();

let broker: ChildProcess;
let client: Kafka;
let producer: Producer;

beforeAll(async () => {
  const settings = ['-X', 'test.mock.num.brokers=1', '-d', 'mock'];
  broker = spawn(process.env['HOLDFAST_KCAT'] ?? 'kcat', ['-C', '-t', 'any', '-b', 'unused', ...settings]);
  let said = '';
  const address = await new Promise<string>((resolve, reject) => {
    broker.once('error', reject);
    broker.stderr?.on('data', (part: Buffer) => {
      said += part;
      const [, found] =
        /bootstrap\.servers[^\d]*([\d.]+:\d+)/.exec(said) ?? /(127\.0\.0\.1:\d+)/.exec(said) ?? [];
      if (found) resolve(found);
    });
  });
  client = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 3 } });
  producer = client.producer();
  await producer.connect();
});

afterAll(async () => {
  await producer.disconnect();
  const gone = once(broker, 'exit');
  broker.kill();
  await gone;
});

const last = view('last', { entity: entity('user'), fields: { n: t.int() } });

async function storeOf(): Promise<Features> {
  const store = createFeatures({ redis: url(), name: 'shop', views: [last], partitions: 4 });
  later(() => store.close());
  await store.apply();
  return store;
}

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'clicks', issuer: 'locks', signal: new AbortController().signal },
});

const NOW = Date.now();
/** Each id is in one partition of the topic. */
const parse = (value: unknown) => {
  const n = Number(String((value as KafkaMessage).value));
  return { id: `u${n % 38}`, time: NOW + n, values: { n } };
};

async function produce(topic: string, from: number, to: number): Promise<void> {
  const messages = Array.from({ length: to - from }, (_, n) => ({
    value: String(from + n),
    partition: (from + n) % 2,
  }));
  await producer.send({ topic, messages });
}

let groups = 0;

async function sourceOf(topic: string): Promise<{ source: Source; consumer: Consumer }> {
  groups += 1;
  const consumer = client.consumer({ groupId: `process-${groups}`, maxWaitTimeInMs: 50 });
  const admin = client.admin();
  await Promise.all([consumer.connect(), admin.connect()]);
  later(() => Promise.all([consumer.disconnect(), admin.disconnect()]));
  return { source: await kafka({ consumer, admin, topic }), consumer };
}

const open = (store: Features, token: number) =>
  store.open(last, { lane: 'stream', holder: holderOf(token), renew: () => Promise.resolve() });

describe('a topic', () => {
  it('is taken in as it grows, and whoever comes next goes on where the lane was', async () => {
    const store = await storeOf();
    await produce('clicks', 0, 300);
    const { source } = await sourceOf('clicks');
    const lane = await open(store, 7);
    const follower = lane.follow(source, parse);
    await vi.waitFor(() => expect(lane.stats().accepted).toBe(300), 20_000);
    await produce('clicks', 300, 400);
    await vi.waitFor(() => expect(lane.stats().accepted).toBe(400), 20_000);
    expect(follower.partitions.slice(0, 2)).toMatchObject([
      { name: 'clicks/0', through: [199, 0], last: [199, 0], lag: 0 },
      { name: 'clicks/1', through: [199, 0], lag: 0 },
    ]);
    await follower.stop();
    await produce('clicks', 400, 450);
    const next = await open(store, 8);
    const going = next.follow((await sourceOf('clicks')).source, parse);
    await vi.waitFor(() => expect(next.stats().accepted).toBe(50), 20_000);
    await going.stop();
    expect(next.stats()).toMatchObject({ older: 0, equal: 0, refused: 0 });
    expect((await store.rows(last, ['u7']))[0]?.values.n).toBe(449 - ((449 - 7) % 38));
  }, 60_000);

  it('is read on from where it was taken in, wherever the consumer stands', async () => {
    const store = await storeOf();
    await produce('orders', 0, 20);
    const { source, consumer } = await sourceOf('orders');
    const lane = await open(store, 7);
    const follower = lane.follow(source, parse);
    await vi.waitFor(() => expect(lane.stats().accepted).toBe(20), 20_000);
    consumer.pause([{ topic: 'orders', partitions: [0, 1] }]);
    await produce('orders', 20, 60);
    // As after it has joined its group again, without offsets of its own.
    for (const partition of [0, 1]) consumer.seek({ topic: 'orders', partition, offset: '25' });
    consumer.resume([{ topic: 'orders', partitions: [0, 1] }]);
    await vi.waitFor(() => expect(lane.stats().accepted).toBe(60), 20_000);
    await follower.stop();
  }, 60_000);
});
