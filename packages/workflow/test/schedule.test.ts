/** Schedules, through the public API: on a real server, and on the virtual clock. */
import { defineWorkflow, MisuseError } from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

const DAY = 86_400_000;

function noted() {
  const times: string[] = [];
  const flow = defineWorkflow({ name: 'noted' }, async (ctx, what: string) =>
    ctx.step('note', () => times.push(`${what} ${ctx.id}`)),
  );
  return { flow, times };
}

it('starts one run a tick, however many workers there are', async () => {
  const { flow, times } = noted();
  const apps = [
    appOf([flow], { partitions: 3 }),
    appOf([flow], { partitions: 3 }),
    appOf([flow], { partitions: 3 }),
  ];
  for (const app of apps) app.work({ lease: 300 });
  await Promise.all(apps.map((app) => app.schedule('often', flow, 'x', { every: 100 })));
  await eventually(() => times.length >= 5, true);
  expect(new Set(times).size).toBe(times.length);
  const [app] = apps;
  expect(await app?.schedules()).toMatchObject([
    { name: 'often', workflow: 'noted', input: 'x', every: 100 },
  ]);
  expect(await app?.unschedule('often')).toBe(true);
  expect(await app?.unschedule('often')).toBe(false);
  expect(await app?.schedules()).toEqual([]);
});

it('starts one run for all ticks at which no worker was there, or none, or one each', async () => {
  const { flow, times } = noted();
  const app = appOf([flow]);
  const names = ['once', 'skip', 'all'] as const;
  for (const missed of names) await app.schedule(missed, flow, missed, { every: DAY, missed });
  const now = Date.now();
  const third = Math.floor(now / DAY) * DAY - 2 * DAY;
  for (const name of names) await client().zadd('{wf:test.0}:ticks', third, name);
  app.work();
  await eventually(() => times.length, 4);
  const byName = names.map((name) => times.filter((time) => time.startsWith(name)).length);
  expect(byName).toEqual([1, 0, 3]);
});

it('goes by a cron expression in its time zone, and refuses what is none', async () => {
  const { flow, times } = noted();
  const { workflows, until } = testWorkflows({ workflows: [flow] });
  const cron = { cron: '0 9 * * MON-FRI', timezone: 'Europe/Berlin', key: 'k' };
  await until(workflows.schedule('mornings', flow, 'good', cron));
  const [info] = await until(workflows.schedules());
  expect(info?.next.toISOString()).toMatch(/T0[78]:00:00/);
  for (const wrong of [
    {},
    { cron: 'x' },
    { cron: '* * * * *', every: 100 },
    { cron: '* * * * *', timezone: 'x' },
  ]) {
    await expect(until(workflows.schedule('wrong', flow, 'x', wrong))).rejects.toThrow(MisuseError);
  }
  expect(times).toEqual([]);
});
