/** Restarting nodes one after another, as soon as the deployment says that the next one may be: no renewed lease is lost. */
import { expect, it, vi } from 'vitest';
import { deploy } from './deployment.js';

it('a renewed lease is on a node again before the next one is restarted', async () => {
  // The third renewal comes right before the end of the quarantine, and the fourth too late.
  const parameters = { maxTtl: 4_700, window: 200, margin: 0 };
  await using deployment = await deploy(3, parameters);
  const locks = deployment.locks(parameters);
  await locks.using('r', { ttl: 4_500 }, async (lease) => {
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(3), 20_000);
    await deployment.node(0).restart({ empty: true });
    const observer = deployment.locks(parameters);
    const { nodes, restartIn } = await observer.nodes();
    expect(nodes[0]?.state).not.toBe('voting');
    expect(restartIn ?? 1).toBeGreaterThan(0);
    await vi.waitFor(async () => expect((await observer.nodes()).restartIn).toBe(0), {
      timeout: 30_000,
      interval: 20,
    });
    expect(await deployment.holding('r')).toBe(3);
    expect(lease.signal.aborted).toBe(false);
  });
});

it('says that no node may be restarted while one is away, or where none is to spare', async () => {
  await using deployment = await deploy(3);

  await deployment.node(1).kill();
  const state = await deployment.locks().nodes();
  expect(state.restartIn).toBeUndefined();
  expect(state.nodes.map((node) => node.state)).toEqual(['voting', 'unreachable', 'voting']);
  await using one = await deploy(1);
  expect((await one.locks().nodes()).restartIn).toBeUndefined();
});

it('begins the quarantine of a node that has restarted, where no client runs', async () => {
  await using deployment = await deploy(3);
  await deployment.node(0).restart({ empty: true });
  const locks = deployment.locks();
  await vi.waitFor(async () => expect((await locks.nodes()).nodes[0]?.state).toBe('quarantined'), 20_000);
  await vi.waitFor(async () => expect((await locks.nodes()).restartIn).toBe(0), 20_000);
});

it('leaves new nodes to who knows their parameters', async () => {
  await using deployment = await deploy(3, { initialize: false });
  const { nodes } = await deployment.locks().nodes();
  expect(nodes.map(({ state }) => state)).toEqual(['unadmitted', 'unadmitted', 'unadmitted']);
  for (const redis of deployment.raw) expect(await redis.exists('{holdfast}:record')).toBe(0);
});
