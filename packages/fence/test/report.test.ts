/** The record of what the leases and guards of a process do, on a real server. */
import { channel } from 'node:diagnostics_channel';
import { createRedisGuard } from '@holdfast/fence/redis';
import { openRecord, reportTo } from '@holdfast/fence/report';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { holder } from './holder.js';

let nodes: LocalNodes;
let redis: Redis;
let url: string;

beforeAll(async () => {
  nodes = await startNodes(1);
  [url = ''] = nodes.urls;
  redis = new Redis(url);
});
beforeEach(() => redis.flushall());
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
});

/** A message as @holdfast/lock publishes it. */
const say = (event: string, resource: string, token = 1): void =>
  channel(`holdfast:lock:${event}`).publish({ resource, token, owner: 'a/b.1', kind: 'exclusive' });

it('has the leases of a resource and its refusals, the newest first; and refusals of all', async () => {
  const guard = createRedisGuard({ redis: url });
  await guard.initialize();
  const [one, other] = [reportTo({ redis: url }), reportTo({ redis: url })];
  const record = openRecord({ redis: url });
  say('acquired', 'r', 1);
  say('lost', 'r', 1);
  say('acquired', 'another');
  const [earlier, later] = [holder('r', Date.now() * 1_000), holder('r', Date.now() * 1_000 + 5)];
  await guard.seal(later);
  await expect(guard.seal(earlier)).rejects.toThrow(/stale/);
  await other.close();
  say('released', 'r', 2);
  await one.close();
  say('acquired', 'r', 3); // nobody records any more
  const entries = await record.of('r');
  const refused = { kind: 'refused', token: earlier.token, seen: later.token, reason: 'lower' };
  expect(entries).toMatchObject([
    { kind: 'ended', token: 2 },
    refused,
    { kind: 'lost' },
    { kind: 'granted' },
  ]);
  expect(await record.refused()).toMatchObject([{ ...refused, resource: 'r' }]);
  expect(await record.of('r', 1)).toHaveLength(1);
  expect(await redis.pttl('{holdfast:report}:of:r')).toBeGreaterThan(0);
  record.close();
  await guard.close();
});

it('records no more than twenty in a second, and minds no server that is away', async () => {
  const reporting = reportTo({ redis: url, prefix: 'env:' });
  const away = reportTo({ redis: 'redis://127.0.0.1:1' });
  for (let index = 0; index < 100; index += 1) say('acquired', 'r', index + 1);
  await reporting.close();
  await away.close();
  const record = openRecord({ redis: url, prefix: 'env:' });
  expect((await record.of('r')).length).toBe(20);
  record.close();
  const absent = openRecord({ redis: 'redis://127.0.0.1:1' });
  await expect(absent.of('r')).rejects.toMatchObject({ code: 'HOLDFAST_UNAVAILABLE' });
  absent.close();
});

it('says which right a reader lacks', async () => {
  await redis.call('ACL', 'SETUSER', 'ann', 'on', '>secret', '~*', '+@all', '-xrevrange');
  const record = openRecord({ redis: url.replace('redis://', 'redis://ann:secret@') });
  await expect(record.of('r')).rejects.toThrow(/record of resources cannot be read.*rights/s);
  record.close();
});
