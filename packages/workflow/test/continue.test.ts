/** Runs that go on over another journal: by ctx.continueAs, and in loops of many passes. */
import { defineWorkflow, RunCancelledError, RunStuckError } from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

it('goes on from its beginning with another input, and takes messages along that it has not taken', async () => {
  const flow = defineWorkflow({ name: 'flow', input: z.number() }, async (ctx, n): Promise<unknown> => {
    if (n === 0) await ctx.receive('go');
    const told = await ctx.receive<string>('next');
    if (n < 2) return ctx.continueAs(n + 1);
    return [n, told];
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 0, { id: 'f' });
  for (const id of ['a', 'b', 'a']) await run.send('next', id, { id });
  await run.send('go');
  await eventually(async () => (await run.history())[0], expect.objectContaining({ input: 2 }));
  // It was taken by a generation that is gone.
  expect(await run.send('next', 'again', { id: 'a' })).toBe(true);
  expect(await run.send('next', 'c', { id: 'c' })).toBe(true);
  expect(await run.result()).toEqual([2, 'c']);
  expect(await app.get(flow, 'f').result()).toEqual([2, 'c']);
});

it('forgets the passes of a long loop, and goes on with its state, what came before it, and its messages', async () => {
  const seen = new Set<string>();
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, passes: number) => {
    const before = await ctx.step('before', () => 'before');
    seen.add(`${ctx.now()} ${ctx.random()}`);
    const first = await ctx.receive<string>('first');
    const sum = await ctx.loop({ n: 0, told: '' }, async (c, { n, told }) => {
      if (n === passes) return { done: { n, told } };
      const heard = n === 500 || n === 1_500 ? await c.receive<string>('pass') : '';
      return { next: { n: await c.step('next', () => n + 1), told: told + heard } };
    });
    return { before, first, sum };
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, 2_500, { id: 'f' });
  for (const id of ['1', '2']) await run.send('pass', id, { id });
  await run.send('first', 'first');
  const result = await run.result();
  expect(result).toMatchObject({ before: 'before', first: 'first', sum: { n: 2_500, told: '12' } });
  expect(seen.size).toBe(1);
  const history = await run.history();
  expect(history.length).toBeLessThan(1_000);
  const [header] = history;
  expect(header?.kind === 'header' && Object.values(header.loops ?? {})[0]).toMatchObject({ pass: 2_000 });
});

it('is cancelled between two passes, whichever journal it is in by then', async () => {
  const flow = defineWorkflow({ name: 'flow' }, (ctx) =>
    ctx.loop(0, async (c, n) => ({ next: await c.step('next', () => n + 1) })),
  );
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await eventually(async () => 'loops' in ((await run.history())[0] ?? {}), true);
  expect(await run.cancel()).toBe(true);
  await expect(run.result()).rejects.toThrow(RunCancelledError);
});

it('tells a parent the end of a child that has gone on over another journal', async () => {
  const child = defineWorkflow({ name: 'child' }, async (ctx, n: number): Promise<number> => {
    if (n < 2) return ctx.continueAs(n + 1);
    return n;
  });
  const flow = defineWorkflow({ name: 'flow' }, (ctx) => ctx.child(child, 0));
  const app = appOf([flow, child]);
  app.work();
  expect(await app.run(flow, null)).toBe(2);
});

it('refuses to leave behind what may have to be undone', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, isAgain: boolean): Promise<unknown> => {
    if (isAgain) return 'again';
    await ctx.step('do', () => 1, { undo: () => {} });
    const refused = await ctx.continueAs(true).catch((error: Error) => error.name);
    ctx.settled();
    await ctx.step('go on', () => refused);
    return ctx.continueAs(true);
  });
  const app = appOf([flow]);
  app.work();
  expect(await app.run(flow, false)).toBe('again');
});

it('says of a journal that it is long, and of one that is too long that the run is stuck', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async () => 'done');
  const errors: unknown[] = [];
  const app = appOf([flow]);
  const [long, longer] = [await app.start(flow, null, { id: 'a' }), await app.start(flow, null, { id: 'b' })];
  for (const [id, count] of [
    ['a', 10_000],
    ['b', 50_000],
  ] as const) {
    const generation = await client().hget('{wf:test.0}:gen', `flow/${id}/${id}`);
    const blanks = Array.from({ length: count }, () => 'V -\n{}');
    for (; blanks.length > 0; ) {
      await client().rpush(`{wf:test.0}:j:flow/${id}/${id}.${generation}`, ...blanks.splice(0, 5_000));
    }
  }
  app.work({ onError: (error) => errors.push(error) });
  expect(await long.result()).toBe('done');
  await expect(longer.result()).rejects.toThrow(RunStuckError);
  expect((await longer.status()).reason).toMatch('50,000 and 64 MB are the most');
  expect(errors).toEqual([
    expect.objectContaining({ code: 'HOLDFAST_LONG_JOURNAL', run: 'flow/a/a', records: 10_001 }),
    expect.objectContaining({ code: 'HOLDFAST_LONG_JOURNAL', run: 'flow/b/b', records: 50_001 }),
  ]);
});

it('says so of a journal of many characters, and stops where that is too much', async () => {
  const told: unknown[] = [];
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) => ctx.receive('go'));
  const test = testWorkflows({ workflows: [flow], onError: (error) => told.push(error) });
  const run = await test.until(test.workflows.start(flow, null, { id: 'a' }));
  const large = 'x'.repeat(250_000);
  const send = (many: number) =>
    Promise.all(Array.from({ length: many }, () => test.until(run.send('more', large))));
  await send(33);
  await test.settled(run);
  expect(told).toEqual([]);
  await send(1);
  await test.settled(run);
  const size = expect.any(Number);
  expect(told).toEqual([
    expect.objectContaining({ code: 'HOLDFAST_LONG_JOURNAL', run: 'flow/a/a', records: 35, size }),
  ]);
  expect((told[0] as { size: number }).size).toBeGreaterThan(8 * 1024 * 1024);
  // Those who read it do so piece by piece; the run goes no further, and loses nothing.
  await send(235);
  await test.settled(run);
  expect(await test.until(run.status())).toMatchObject({
    status: 'stuck',
    reason: expect.stringContaining('64 MB are the most'),
  });
  expect((await test.until(run.history())).length).toBe(270);
});
