/** What people approve: which approval an answer goes to, and what it says to whoever is late, early or second. */
import { type Approval, createWorkflows, defineWorkflow, type Run, type Workflow } from '@holdfast/workflow';
import { everyCrash, testWorkflows } from '@holdfast/workflow/testing';
import { describe, expect, it } from 'vitest';
import { appOf, eventually, later, url, useRedis } from './setting.js';

useRedis();

/** Asks the same of two people, one after the other. */
const twice = () =>
  defineWorkflow({ name: 'twice' }, async (ctx) => {
    const one = await ctx.approve('pay');
    const two = await ctx.approve('pay');
    return [one?.answer, two?.answer];
  });

describe.each<[string, <R>(flow: Workflow<unknown, R>) => Promise<Run<R>>]>([
  [
    'on Redis',
    async (flow) => {
      const app = appOf([flow]);
      app.work();
      return app.start(flow, null);
    },
  ],
  ['in memory', (flow) => testWorkflows({ workflows: [flow] }).workflows.start(flow, null)],
])('approvals %s', (_, start) => {
  it('gives an answer to the approval that it is for, not to the next one of its name', async () => {
    const run = await start(twice());
    const one = await opened(run);
    expect(await run.approve(one, 'first', 'eve')).toBe(true);
    const two = await opened(run, one);
    expect(await run.approve(one, 'first', 'eve')).toBe(false); // it was given, and taken
    expect(await run.approve(one, 'again', 'adam')).toBe(false);
    expect(await run.approvals()).toEqual([two]);
    expect(await run.approve(two, 'second', 'adam')).toBe(true);
    expect(await run.result()).toEqual(['first', 'second']);
    expect(await run.approve(two, 'second', 'adam')).toBe(false);
  });

  it('takes no answer to what is not asked, yet or any more', async () => {
    const flow = defineWorkflow({ name: 'asks' }, async (ctx) => {
      await ctx.receive('go');
      return ctx.approve('pay');
    });
    const run = await start(flow);
    expect(await run.approve('pay', 'early')).toBe(false);
    await run.send('go');
    await opened(run);
    expect(await run.approve('other', 1)).toBe(false);
    expect(await run.approvals()).toHaveLength(1);
    await run.terminate();
    expect(await run.approvals()).toEqual([]);
    expect(await run.approve('pay', 'late')).toBe(false);
  });
});

it('takes the first of several answers, and tells the others', async () => {
  const flow = twice();
  const [app, other] = [appOf([flow]), appOf([flow])];
  const worker = other.work();
  const run = await app.start(flow, null);
  await opened(run);
  await worker.stop(); // nobody takes an answer
  expect(await run.approve('pay', 'first', 'eve')).toBe(true);
  expect(await run.approve('pay', 'first', 'eve')).toBe(true); // said again
  expect(await run.approve('pay', 'no', 'adam')).toBe(false);
  other.work();
  const two = await opened(run, (await run.approvals())[0]);
  expect(await run.approve(two, 'second')).toBe(true);
  expect(await run.result()).toEqual(['first', 'second']);
});

it('has one answer, however many people answer at the same time', async () => {
  const flow = twice();
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await opened(run);
  const others = Array.from({ length: 8 }, () =>
    createWorkflows({ redis: url(), name: 'test', workflows: [flow] }),
  );
  for (const each of others) later(() => each.close());
  const open = (await run.approvals())[0] as Approval;
  const told = await Promise.all(others.map((each, n) => each.get(flow, run.id).approve(open, n)));
  expect(told.filter((isAnswer) => isAnswer)).toHaveLength(1);
  await run.approve(await opened(run, open), 'second');
  expect(await run.result()).toEqual([told.indexOf(true), 'second']);
});

it('shows what is to be approved while a step goes on', async () => {
  let end = (): void => {};
  const flow = defineWorkflow({ name: 'both' }, async (ctx) => {
    const step = ctx.step('long', () => new Promise<void>((resolve) => (end = resolve)));
    const approved = await ctx.approve<string>('pay');
    await step;
    return approved?.answer;
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  expect(await run.approve(await opened(run), 'yes')).toBe(true);
  end();
  expect(await run.result()).toBe('yes');
});

it('asks anew where a run begins anew, and keeps what was answered where it goes over its way again', async () => {
  let isBroken = true;
  const flow = defineWorkflow({ name: 'anew' }, async (ctx, n: number): Promise<unknown> => {
    const given = await ctx.approve<string>('pay');
    if (n === 0) return ctx.continueAs(1);
    await ctx.step(
      'break',
      () => {
        if (isBroken) throw new Error('broken');
      },
      { attempts: 1 },
    );
    return given?.answer;
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 0);
  const one = await opened(run);
  await run.approve(one, 'first');
  const two = await opened(run, one);
  expect(await run.approve(one, 'first')).toBe(false);
  await run.approve(two, 'second');
  await expect(run.result()).rejects.toThrow('broken');
  isBroken = false;
  expect(await run.retry()).toBe(true);
  expect(await run.result()).toBe('second');
  const fork = await run.fork({ from: 'break' });
  expect(await fork.result()).toBe('second');
});

it('takes an answer that comes too late along to no other journal', async () => {
  const flow = defineWorkflow({ name: 'late' }, async (ctx, n: number): Promise<unknown> => {
    const given = await ctx.approve<string>('pay', n === 0 ? { timeout: 1 } : {});
    if (n > 0) return given?.answer;
    await ctx.receive('go');
    return ctx.continueAs(1);
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 0);
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  const header = (await run.history())[0];
  const generation = header?.kind === 'header' ? header.generation : '';
  // As one that has left before the approval was closed.
  await run.send('approve:pay:0', { answer: 'late' }, { id: `approve:pay:0@${generation}` });
  expect((await run.history()).map((each) => ('name' in each ? each.name : each.kind))).toContain(
    'approve:pay:0',
  );
  await run.send('go');
  const two = await opened(run);
  expect(two.id).toMatch(/\/0$/);
  expect(await run.approve(two, 'in time')).toBe(true);
  expect(await run.result()).toBe('in time');
});

it('gives the same answers, whichever commit is cut', async () => {
  const cases = await everyCrash({
    make: twice,
    input: null,
    script: async (run) => {
      const one = await opened(run);
      await run.approve(one, 1);
      await run.approve(await opened(run, one), 2);
    },
  });
  expect(cases[0]?.end).toEqual({ result: [1, 2] });
});

/** What is open, once there is something other than `before`. */
async function opened(run: Run<unknown>, before?: Approval): Promise<Approval> {
  let found: Approval | undefined;
  await expect
    .poll(
      async () => {
        found = (await run.approvals()).find(({ id }) => id !== before?.id);
        return found;
      },
      { timeout: 20_000, interval: 5 },
    )
    .toBeDefined();
  return found as Approval;
}
