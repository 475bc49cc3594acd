/** A run with a long journal that only waits stays with its worker for a while, because to go on it would be replayed. */
import { systemClock } from '@holdfast/kernel';
import { defineWorkflow } from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { VirtualClock } from '../src/testing/virtual-clock.js';
import { Room } from '../src/worker/room.js';
import { Stay } from '../src/worker/stay.js';
import { appOf, eventually, useRedis } from './setting.js';

useRedis();

it('is not replayed for every child of many', async () => {
  const child = defineWorkflow({ name: 'child' }, async (ctx, ms: number) => {
    await ctx.sleep(ms);
    return ms;
  });
  let replays = 0;
  const parent = defineWorkflow({ name: 'parent' }, async (ctx, count: number) => {
    replays += 1;
    const times = Array.from({ length: count }, (_, index) => 1_000 + 10 * index);
    const slept = await ctx.map(times, (branch, ms) => branch.child(child, ms), { concurrency: count });
    return slept.length;
  });
  const tested = testWorkflows({ workflows: [parent, child] });
  expect(await tested.run(parent, 200)).toBe(200);
  expect(replays).toBeLessThan(10);
});

it('is not replayed for every message, and shows its state meanwhile', async () => {
  let replays = 0;
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, count: number) => {
    replays += 1;
    for (let step = 0; step < 2 * count; step += 1) await ctx.step('add', () => step);
    for (let message = 0; message < count; message += 1) {
      ctx.state.set(message);
      await ctx.receive('go');
    }
    return count;
  });
  const tested = testWorkflows({ workflows: [flow] });
  const run = await tested.until(tested.workflows.start(flow, 100));
  await tested.settled(run);
  const before = replays;
  for (let message = 0; message < 100; message += 1) {
    expect(await tested.until(run.state())).toBe(message);
    await tested.until(run.send('go', true));
    await tested.pass(5);
  }
  expect(await tested.until(run.result())).toBe(100);
  expect(replays - before).toBeLessThan(10);
});

it('stays for a second or five replays, from 20 records on, and only while less than half of the room is taken', async () => {
  const clock = new VirtualClock();
  const room = new Room(4);
  room.join(() => {});
  const stay = new Stay({ clock, hasRoom: () => room.isAmple });
  stay.fed(19);
  expect(stay.left).toBe(0);
  stay.fed(1);
  expect(stay.left).toBe(1_000);
  await clock.pass(400);
  expect(stay.left).toBe(600);
  stay.fed(19_980);
  expect(stay.left).toBe(2_000);
  room.take(1);
  expect(stay.left).toBe(2_000);
  room.take(1);
  expect(stay.left).toBe(0);
  room.give(1);
  let isOver = false;
  stay.begin(() => {
    isOver = true;
  });
  await clock.pass(1_999);
  expect(isOver).toBe(false);
  await clock.pass(1);
  expect(isOver).toBe(true);
});

it('is parked at once by a worker that stops', async () => {
  // Of this clock, the timer of a stay never fires.
  const clock: typeof systemClock = {
    ...systemClock,
    after: (delay, callback, options) =>
      delay > 600 && delay <= 1_000 ? { cancel: () => {} } : systemClock.after(delay, callback, options),
  };
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => {
    for (let step = 0; step < 30; step += 1) await ctx.step('add', () => step);
    return ctx.receive('go');
  });
  const app = appOf([flow], { clock });
  const worker = app.work({ grace: 5_000 });
  const run = await app.start(flow, undefined);
  await eventually(async () => (await run.history()).length, 31);
  await worker.stop();
  expect((await run.status()).status).toBe('sleeping');
});
