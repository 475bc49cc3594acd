/** An app that is opened by its name: what it knows of it, and what it does with it, on a real server. */
import { defineWorkflow, type OpenOptions, openWorkflows } from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { appOf, client, eventually, later, url, useRedis } from './setting.js';

useRedis();

const order = defineWorkflow({ name: 'order' }, async (ctx, { id }: { id: string }) => {
  const by = await ctx.receive<string>('approval');
  return ctx.step('charge', () => `${id}, approved by ${by}`);
});
const idle = defineWorkflow({ name: 'idle', limits: { waiting: 3 } }, async () => null);

async function opened(options: Partial<OpenOptions> = {}) {
  const app = await openWorkflows({ redis: url(), name: 'test', ...options });
  later(() => app.close());
  return app;
}

it('finds the partitions and the workflows of an app, starts runs by name and tells them', async () => {
  const app = appOf([order, idle], { partitions: 3 });
  app.work();
  await eventually(async () => await client().exists(...[0, 1, 2].map((n) => `{wf:test.${n}}:sleepers`)), 3);
  const operator = await opened();
  expect(operator.names).toEqual(['idle', 'order']);
  const run = await operator.start('order', { id: 'o1' }, { id: 'o1', key: 'a42' });
  await operator.start('order', { id: 'o2' }, { id: 'o2' });
  await eventually(async () => (await operator.counts('order')).sleeping, 2);
  expect(await operator.get('order', 'o1', { key: 'a42' }).send('approval', 'eve')).toBe(true);
  expect(await run.result()).toBe('o1, approved by eve');
  expect((await app.get(order, 'o1', { key: 'a42' }).history()).map(({ kind }) => kind)).toEqual(
    (await run.history()).map(({ kind }) => kind),
  );
  const left: string[] = [];
  for await (const { id } of operator.list({ workflow: 'order', state: 'sleeping' })) left.push(id);
  expect(left).toEqual(['o2']);
  expect(await operator.cancelMany({ workflow: 'order' })).toEqual({ done: 1, passed: 1 });
  expect(Object.keys(await operator.demand())).toEqual(['idle', 'order']);
});

it('obeys limits that it does not know', async () => {
  const app = appOf([idle]);
  for (let n = 0; n < 3; n += 1) await app.start(idle, null);
  await expect((await opened()).start('idle', null)).rejects.toMatchObject({ code: 'HOLDFAST_RUNS_FULL' });
});

it('makes no app, names what it does not know, and does not work', async () => {
  await expect(opened()).rejects.toThrow(/There is no workflow app "test" on this Redis/);
  await expect(opened({ prefix: 'live:' })).rejects.toThrow('"test" with the prefix "live:"');
  expect(await client().keys('*')).toEqual([]);
  await appOf([order]).start(order, { id: 'o1' });
  const app = await opened();
  expect(app.names).toEqual(['order']);
  await expect(app.start('ordre', null)).rejects.toThrow('has no workflow "ordre"');
  expect(() => (app as unknown as { work(): void }).work()).toThrow('does not work');
});

it('opens, shows, ends and erases where the memory of the server is full', async () => {
  const app = appOf([order]);
  app.work();
  await app.start(order, { id: 'o1' }, { id: 'o1' });
  await eventually(async () => (await app.counts()).sleeping, 1);
  await client().config('SET', 'maxmemory', '1mb');
  try {
    // It can load nothing, not even to find out that the server has it.
    const operator = await opened();
    expect(await operator.counts()).toMatchObject({ sleeping: 1 });
    await expect(operator.start('order', { id: 'o2' })).rejects.toThrow(/memory is full/);
    expect(await operator.get('order', 'o1').terminate()).toBe(true);
    expect(await operator.purge()).toEqual({ done: 1, passed: 0 });
  } finally {
    await client().config('SET', 'maxmemory', '0');
  }
});
