/** What a function can call, and that a replay of it goes the same way: time, chance, patches, scopes, and what steps are of. */
import { AbortedError, defineWorkflow, type WorkflowContext } from '@holdfast/workflow';
import { everyCrash, testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';

const DAY = 86_400_000;

it('tells a function the time and chance, the same in every replay', async () => {
  const make = () => {
    const seen = new Map<string, unknown>();
    /** Throws if a replay is told anything else at the same place. */
    const same = (place: string, value: unknown) => {
      if (seen.has(place) && seen.get(place) !== value) throw new Error(`${place} has changed`);
      seen.set(place, value);
    };
    return defineWorkflow({ name: 'clock' }, async (ctx) => {
      const start = ctx.now();
      expect(ctx.now()).toBe(start);
      same('start', (await ctx.step('a', () => start)) - start);
      const branches = await ctx.map([0, 1], async (c, n) => {
        same(`random ${n}`, c.random());
        await c.step('b', () => n);
        return c.random();
      });
      expect(new Set(branches).size).toBe(2);
      await ctx.sleep(3 * DAY);
      const end = ctx.now();
      await ctx.receive('never', { timeout: DAY });
      return [end - start >= 3 * DAY, end - start < 4 * DAY, ctx.now() - end >= DAY, branches];
    });
  };
  const cases = await everyCrash({ make, input: null });
  expect(cases[0]?.end).toMatchObject({
    result: [true, true, true, [expect.any(Number), expect.any(Number)]],
  });
  const notes = cases[0]?.history.filter(({ kind }) => kind === 'time') ?? [];
  expect(notes).toHaveLength(3);
});

it('takes a patch in runs that have not come past its place, and answers once for a name', async () => {
  const answers: unknown[] = [];
  let isPatched = false;
  const flow = defineWorkflow({ name: 'patched' }, async (ctx) => {
    const way = isPatched && ctx.patch('new way') ? 'new' : 'old';
    await ctx.step(way, () => way);
    await ctx.receive('go');
    answers.push(isPatched && ctx.patch('new way'));
    return way;
  });
  const test = testWorkflows({ workflows: [flow] });
  const old = await test.until(test.workflows.start(flow, null));
  await test.settled(old);
  isPatched = true;
  await test.until(old.send('go'));
  expect(await test.until(old.result())).toBe('old');
  const run = await test.until(test.workflows.start(flow, null));
  await test.settled(run);
  await test.until(run.send('go'));
  expect(await test.until(run.result())).toBe('new');
  expect(answers).toEqual([false, true]);
  expect((await test.until(run.history())).map(({ kind }) => kind)).toContain('patch');
});

it('answers for a patch the same, whichever commit is cut', async () => {
  const make = () =>
    defineWorkflow({ name: 'patched' }, async (ctx) => {
      const all = [ctx.patch('a')];
      await ctx.step('one', () => 1);
      all.push(ctx.patch('b'), ctx.patch('a'));
      await ctx.step('two', () => 2);
      return all;
    });
  const cases = await everyCrash({ make, input: null });
  expect(cases[0]?.end).toEqual({ result: [true, true, true] });
});

it('cancels a scope by its timeout or by hand, and nothing else', async () => {
  const make = () =>
    defineWorkflow({ name: 'scopes' }, async (ctx) => {
      const late = await ctx
        .scope((c) => c.receive('never'), { timeout: DAY })
        .catch((error: unknown) => error);
      const inTime = await ctx.scope((c) => c.step('quick', () => 'quick'), { timeout: DAY });
      const outside = ctx.step('outside', () => 'outside');
      const byHand = await ctx
        .scope(async (c, cancel) => {
          const waiting = c.sleep(30 * DAY);
          await c.step('first', () => 1);
          cancel('enough');
          await waiting;
        })
        .catch((error: unknown) => error);
      const nested = await ctx.scope(
        (c) =>
          c
            .scope((inner) => inner.receive('never'), { timeout: DAY })
            .catch(() => c.step('after', () => 'after')),
        { timeout: 30 * DAY },
      );
      const messages = [late, byHand].map((error) => error instanceof AbortedError && error.message);
      return [...messages, inTime, await outside, nested];
    });
  const cases = await everyCrash({ make, input: null });
  expect(cases[0]?.end).toEqual({
    result: [
      expect.stringContaining('it took longer than its timeout of 86400000 ms'),
      expect.stringContaining('enough'),
      'quick',
      'outside',
      'after',
    ],
  });
});

it('aborts the bodies of a scope that is cancelled, and what a scope leaves open', async () => {
  const aborted: string[] = [];
  const hang = (c: WorkflowContext, name: string) =>
    c.step(
      name,
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(name);
            reject(signal.reason);
          });
        }),
    );
  const flow = defineWorkflow({ name: 'aborts' }, async (ctx) => {
    await ctx.scope((c) => hang(c, 'timeout'), { timeout: 10 }).catch(() => {});
    await ctx.scope(async (c) => {
      void hang(c, 'left open');
      await c.step('quick', () => 1);
    });
    return ctx.step('last', () => 'done');
  });
  const test = testWorkflows({ workflows: [flow] });
  expect(await test.run(flow, null)).toBe('done');
  expect(aborted).toEqual(['timeout', 'left open']);
});

it('is stuck where a step is of another value than in the journal', async () => {
  let prompt = 'one';
  const flow = defineWorkflow({ name: 'of' }, async (ctx) => {
    const answer = await ctx.step('ask', () => `to ${prompt}`, { of: { prompt } });
    await ctx.receive('go');
    return answer;
  });
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, null));
  await test.settled(run);
  prompt = 'two';
  await test.until(run.send('go'));
  await expect(test.until(run.result())).rejects.toMatchObject({
    code: 'HOLDFAST_RUN_STUCK',
    reason: expect.stringContaining('began it of another value'),
  });
  prompt = 'one';
  await test.until(run.retry());
  expect(await test.until(run.result())).toBe('to one');
});

it('checks what a step gives by its schema, and tries again what does not fit', async () => {
  const flow = defineWorkflow({ name: 'checked' }, async (ctx) => {
    const schema = z.object({ sum: z.coerce.number() });
    const { sum } = await ctx.step('sum', ({ attempt }) => ({ sum: attempt < 2 ? 'none' : '7' }), { schema });
    const failed = await ctx
      .step('never', () => 'x', { schema: z.number(), attempts: 2 })
      .catch((error: Error) => error.message);
    return [sum, failed];
  });
  const test = testWorkflows({ workflows: [flow] });
  expect(await test.run(flow, null)).toEqual([7, expect.stringContaining('do not fit the workflow')]);
});
