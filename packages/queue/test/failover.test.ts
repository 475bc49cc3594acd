/** Tokens over failovers: none is above what the next server would begin with, which may not know those of this one. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createQueue, createWorker } from '@holdfast/queue';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';

let nodes: LocalNodes;
const clients: Redis[] = [];
beforeAll(async () => {
  nodes = await startNodes(2);
  for (const url of nodes.urls) clients.push(new Redis(url));
  const [first] = nodes.nodes;
  await clients[1]?.replicaof('127.0.0.1', first?.port ?? 0);
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await nodes.stop();
});

/** Handles one task; resolves to its token, and to the time of the server when it began, both in microseconds. */
async function handleOne(index: number): Promise<{ token: number; time: number }> {
  const redis = clients[index] as Redis;
  await using queue = createQueue<number>({ redis: nodes.urls[index] ?? '', name: 'q' });
  const { id } = await queue.add(1);
  await using _worker = createWorker({
    queue,
    handler: async ({ token }) => {
      const [seconds, micros] = (await redis.time()) as unknown as [string, string];
      return { token, time: Number(seconds) * 1e6 + Number(micros) };
    },
  });
  return (await queue.wait(id)) as { token: number; time: number };
}

it('an epoch that replicas have confirmed is above the time', async () => {
  const replication = (): Promise<string> | undefined => clients[1]?.info('replication');
  await expect.poll(replication, { timeout: 20_000 }).toContain('master_link_status:up');
  const { token, time } = await handleOne(0);
  expect(token).toBeGreaterThan(time);
  const [epoch, confirmed] = (await clients[0]?.hmget('{queue:q}:meta', 'epoch', 'confirmed')) ?? [];
  expect(confirmed).toBe(epoch);
  await expect.poll(() => clients[1]?.hget('{queue:q}:meta', 'epoch')).toBe(epoch);
});

it('where no replica can confirm it, tokens wait for their time', async () => {
  const before = Number(await clients[0]?.hget('{queue:q}:meta', 'token'));
  await clients[1]?.replicaof('NO', 'ONE');
  const { token, time } = await handleOne(1);
  expect(token).toBeGreaterThan(before);
  expect(token).toBeLessThanOrEqual(time);
});
