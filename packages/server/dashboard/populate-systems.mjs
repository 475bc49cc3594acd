/** What the pictures of locks, workflows, features and vectors show: on the same Redis as the queues, with lock nodes. */
import { createFeatures, entity, t, view } from '@holdfast/features';
import { keepBaseline } from '@holdfast/features/offline';
import { createRedisGuard } from '@holdfast/fence/redis';
import { startNodes } from '@holdfast/local';
import { createLocks } from '@holdfast/lock';
import { createIndex } from '@holdfast/vectors';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';

/** Five nodes, of which one is away, and leases; one write under a stale token was refused. `begun`: call it when the server listens. */
export async function populateLocks(redis) {
  const nodes = await startNodes(5);
  const locks = createLocks({ nodes: nodes.urls, onWarning() {} });
  await locks.initialize();
  const guard = createRedisGuard({ redis, name: 'shop' });
  await guard.initialize();
  return {
    locks,
    async begun() {
      const early = await locks.acquire('account:42');
      const { token, issuer, owner } = early;
      await later(900);
      await early.release();
      const holder = createLocks({ nodes: nodes.urls, identity: 'worker-2', onWarning() {} });
      const lease = await holder.acquire('account:42', { ttl: 30_000 });
      await guard.seal(lease);
      await guard.seal({ resource: 'account:42', token, issuer, owner }).catch(() => {});
      const held = [lease];
      for (const id of [7, 11, 19]) held.push(await holder.acquire(`account:${id}`, { ttl: 30_000 }));
      held.push(await holder.acquireShared('catalogue', { ttl: 30_000 }));
      await nodes.nodes[4].kill();
      // On a slow machine the pictures take longer than the leases last.
      const extending = setInterval(() => held.map((each) => each.extend().catch(() => {})), 10_000);
      return () => {
        clearInterval(extending);
        return holder.close();
      };
    },
    async stop() {
      await guard.close();
      await locks.close();
      await nodes.stop();
    },
  };
}

/** A workflow with a run that sleeps, whose step has failed once and has streamed. */
export async function populateWorkflows(redis) {
  const fraud = defineWorkflow({ name: 'fraud' }, async (ctx) => {
    await ctx.step('ask the model', async (step) => {
      for (const word of ['The ', 'card ', 'and ', 'the ', 'address ', 'agree.']) {
        await step.stream('reasons').write(word);
        await later(30);
      }
    });
    const charge = async (step) => {
      await later(60);
      if (step.attempt === 1) throw new Error('the bank did not answer');
    };
    await ctx.step('charge', charge, { attempts: 2, backoff: { type: 'constant', delay: 20 } });
    return ctx.receive('approval');
  });
  const app = createWorkflows({ redis, workflows: [fraud] });
  app.work();
  for (let index = 0; index < 4; index += 1)
    await app.start(fraud, { order: index }, { id: `order-${4_180 + index}` });
  while ((await app.counts(fraud)).sleeping < 4) await later(20);
  return () => app.close();
}

export async function populateFeatures(redis, locks) {
  const user = entity('user');
  const profile = view('profile', { entity: user, fields: { tier: t.string(), spent: t.float64() } });
  const store = createFeatures({ redis, name: 'shop', views: [profile] });
  await store.apply();
  const lease = await locks.acquire('lanes:profile', { ttl: 20_000 });
  const lane = await store.open(profile, { holder: lease });
  const now = Date.now();
  const rowsAt = (time, spent) =>
    Array.from({ length: 400 }, (_, index) => ({
      ...{ id: `u${index}`, time },
      values: { tier: index % 9 === 0 ? 'gold' : 'basic', spent: spent(index) },
    }));
  await lane.land(rowsAt(now - 2_000, (index) => index * 1.75));
  await keepBaseline({ store, view: profile });
  await lane.land(rowsAt(now - 1_000, (index) => 90 + 1.4 * index));
  await lane.land(rowsAt(now - 90_000, () => 0).slice(0, 1));
  await lease.release();
  return () => store.close();
}

export async function populateVectors(redis) {
  const index = createIndex({ redis, name: 'products', vectors: { dimensions: 3 } });
  const kinds = ['kelp', 'dulse', 'nori', 'wakame'];
  for (const [place, kind] of kinds.entries()) {
    await index.put({
      id: kind,
      vector: [1, place / 4, (place % 2) / 3],
      attributes: { kind, price: 4 + place },
    });
  }
  return () => index.close();
}

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
