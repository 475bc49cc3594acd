/** Nodes whose memory is full, and that evict nothing: what is held is kept and given back; nothing new is granted. */

import { UnavailableError } from '@holdfast/kernel';
import { createLocks } from '@holdfast/lock';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deployment, deploy, LONG } from './deployment.js';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(1, LONG);
  await user().call('ACL', 'SETUSER', 'scripts', 'on', '>p', '~*', '&*', '+@all', '-fcall', '-function');
});
afterAll(() => deployment[Symbol.asyncDispose]());

const user = (): Redis => deployment.redis(0);
const fill = () => user().config('SET', 'maxmemory', '1mb');
const drain = () => user().config('SET', 'maxmemory', '0');

it.each(['functions', 'scripts'])(
  'by %s, leases are extended and released, and none is granted',
  async (how) => {
    const [url = ''] = deployment.urls;
    await using locks = createLocks({
      ...LONG,
      nodes: [how === 'scripts' ? url.replace('://', '://scripts:p@') : url],
      onWarning: () => {},
    });
    const lease = await locks.acquire('alone');
    const readers = [await locks.acquireShared('read'), await locks.acquireShared('read')];
    const permit = await locks.semaphore('permits', { permits: 2 }).acquire();
    const waiting = locks.acquire('alone');
    await expect.poll(() => user().zcard('{holdfast}:queue:alone')).toBe(1);
    await fill();
    try {
      const refused = locks.acquire('other', { wait: 0 });
      await expect(refused).rejects.toThrow(UnavailableError);
      await expect(refused).rejects.toThrow(/OOM/);
      const held = [lease, ...readers, permit];
      for (const each of held) expect(await each.extend(30_000)).toBe('kept');
      for (const each of held.slice(1)) await each.release();
      expect(await user().keys('{holdfast}:lock:*')).toEqual(['{holdfast}:lock:alone']);
      await lease.release();
      await expect.poll(() => user().get('{holdfast}:lock:alone')).not.toBe(`${lease.token} ${lease.owner}`);
    } finally {
      await drain();
    }
    await (await waiting).release();
  },
);
