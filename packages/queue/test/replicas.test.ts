/** Adding that waits for replicas, on a real master and its replica. */
import { UnavailableError } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createQueue } from '@holdfast/queue';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';

let nodes: LocalNodes;
let replica: Redis;
beforeAll(async () => {
  nodes = await startNodes(2);
  replica = new Redis(nodes.urls[1] ?? '');
});
afterAll(async () => {
  replica.disconnect();
  await nodes.stop();
});

it('resolves when a replica has the task, and says so when none has', async () => {
  const { hostname, port } = new URL(nodes.urls[0] ?? '');
  await replica.call('REPLICAOF', hostname, port);
  await expect
    .poll(() => replica.info('replication'), { timeout: 20_000 })
    .toContain('master_link_status:up');
  await using queue = createQueue<number>({
    redis: nodes.urls[0] ?? '',
    name: 'q',
    replicas: { count: 1, callTimeout: 5_000 },
  });
  const tasks = Array.from({ length: 200 }, (_, data) => ({ data }));
  const added = await queue.addMany(tasks);
  expect(await replica.xlen('{queue:q}:ready:0')).toBe(added.length);

  await replica.call('REPLICAOF', 'NO', 'ONE');
  await using hasty = createQueue<number>({
    redis: nodes.urls[0] ?? '',
    name: 'q',
    replicas: { count: 1, callTimeout: 50 },
  });
  const refused = await hasty.add(1, { id: 'once' }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UnavailableError);
  expect(String(refused)).toContain('0 of 1 replicas have it after 50 ms');
  expect((await queue.get('once'))?.state).toBe('waiting');
});

it('refuses a number of replicas that is none', () => {
  const make = (count: number) => createQueue({ redis: nodes.urls[0] ?? '', name: 'q', replicas: { count } });
  expect(() => make(0)).toThrow('replicas.count is a whole number from 1 to 100; got 0.');
});
