/**
 * After erasing a person in the five systems, nothing in the data Redis has what was planted, neither in a key nor in a
 * value, but for what docs/ERASURE.md names; and others' data are there as before.
 */
import { createFeatures, t, view } from '@holdfast/features';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { createQueue, createWorker } from '@holdfast/queue';
import { createIndex } from '@holdfast/vectors';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { erase, type Systems, user } from '../src/erasure.js';

interface Mail {
  readonly user: string;
  readonly to: string;
}

let local: LocalNodes;
beforeAll(async () => {
  local = await startNodes(4);
});
afterAll(() => local.stop());

/** Every key of the server with all that it holds, as text. */
async function contents(redis: Redis): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    const reads: Readonly<Record<string, () => Promise<unknown>>> = {
      string: () => redis.getBuffer(key).then((value) => value?.toString('latin1')),
      hash: () => redis.hgetall(key),
      list: () => redis.lrange(key, 0, -1),
      set: () => redis.smembers(key),
      zset: () => redis.zrange(key, '0', '-1'),
      stream: () => redis.xrange(key, '-', '+'),
    };
    expect(Object.keys(reads), key).toContain(type);
    found.set(key, `${key} ${JSON.stringify(await reads[type]?.())}`);
  }
  return found;
}

it('erases a person in all five systems', async () => {
  const [data = '', ...nodes] = local.urls;
  const locks = createLocks({ nodes, callTimeout: 5_000 });
  await locks.initialize();
  const mails = createQueue<Mail>({ redis: data, name: 'mails' });
  const order = defineWorkflow({ name: 'order' }, async (ctx, input: { address: string }) => {
    await ctx.step('ship', () => `to ${input.address}`);
    return ctx.receive('delivered');
  });
  const workflows = createWorkflows({ redis: data, workflows: [order] });
  const profile = view('profile', { entity: user, ttl: 86_400_000, fields: { street: t.string() } });
  const store = createFeatures({ redis: data, name: 'shop', views: [profile] });
  await store.apply();
  const kb = createIndex({ redis: data, name: 'kb', vectors: { dimensions: 2 }, schema: { user: 'tag' } });
  const systems: Systems = { locks, mails, workflows, store, kb };
  const worker = createWorker({ queue: mails, handler: async (task) => `sent to ${task.data.to}` });
  workflows.work();
  const redis = new Redis(data);
  try {
    for (const id of ['u1', 'u2']) {
      const secret = `secret-of-${id}`;
      await mails.add({ user: id, to: secret }, { id: `${id}.welcome` });
      await mails.wait(`${id}.welcome`);
      await mails.add({ user: id, to: secret }, { id: `${id}.later`, delay: 3_600_000 });
      const run = await workflows.start(order, { address: secret }, { id: `${id}.order` });
      await expect.poll(async () => (await run.history()).length).toBeGreaterThan(0);
      await locks.using('profiles', {}, async (lease) => {
        const lane = await store.open(profile, { holder: lease });
        await lane.land([{ id, time: Date.now(), values: { street: secret } }]);
      });
      await kb.put({ id: `${id}.note`, text: secret, vector: [1, 0], attributes: { user: id } });
    }
    const before = [...(await contents(redis)).values()].filter((text) => text.includes('secret-of-u1'));
    expect(before.length).toBeGreaterThan(4);

    await erase(systems, 'u1');

    const after = await contents(redis);
    const left = [...after].filter(([, text]) => text.includes('secret-of-u1')).map(([key]) => key);
    // What docs/ERASURE.md names: results among the latest events of a queue, and rows in the log until an export.
    expect(left.sort()).toEqual(['{feat:shop.0}:log', '{queue:mails}:events']);
    expect([...after.values()].filter((text) => text.includes('secret-of-u2')).length).toBeGreaterThan(4);
  } finally {
    await worker.stop();
    await Promise.all([
      workflows.close(),
      mails.close(),
      store.close(),
      kb.close(),
      locks.close(),
      redis.quit(),
    ]);
  }
});
