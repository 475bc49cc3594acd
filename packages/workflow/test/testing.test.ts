/** What users' tests get: virtual time, and a crash at every commit. */
import { defineWorkflow, NonRetryableError, type WorkflowContext } from '@holdfast/workflow';
import { everyCrash, testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';

const DAY = 86_400_000;

it('passes virtual days at once', async () => {
  const flow = defineWorkflow({ name: 'days' }, async (ctx) => {
    await ctx.sleep(3 * DAY);
    return (await ctx.receive('answer', { timeout: DAY })) ?? 'none';
  });
  const test = testWorkflows({ workflows: [flow] });
  const before = test.now();
  expect(await test.run(flow, null)).toBe('none');
  expect(test.now() - before).toBeGreaterThanOrEqual(4 * DAY);
  expect(test.now() - before).toBeLessThan(5 * DAY);
});

it('gives a run messages from outside', async () => {
  const flow = defineWorkflow({ name: 'ask' }, async (ctx) => ctx.receive<string>('answer'));
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, null));
  await test.settled(run);
  await test.until(run.send('answer', 'yes'));
  expect(await test.until(run.result())).toBe('yes');
});

it('says so when nothing more happens', async () => {
  const flow = defineWorkflow({ name: 'ask' }, async (ctx) => ctx.receive('answer'));
  const test = testWorkflows({ workflows: [flow] });
  await expect(test.run(flow, null)).rejects.toThrow('nothing more happens');
});

/** Goes all ways that there are. */
async function everything(ctx: WorkflowContext): Promise<unknown> {
  const first = await ctx.step('first', () => 1);
  const both = await ctx.all({
    slow: async (c) => {
      await c.sleep(DAY);
      return c.step('slow', () => 'slow');
    },
    flaky: (c) =>
      c.step('flaky', ({ attempt }) => {
        if (attempt < 3) throw new Error('again');
        return attempt;
      }),
  });
  const raced = await ctx.race([
    (c) => c.receive<string>('answer'),
    (c) => c.sleep(30 * DAY).then(() => 'late'),
  ]);
  const plain = await Promise.all([0, 1, 2].map((n) => ctx.step('plain', () => n)));
  const failed = await ctx
    .step('broken', () => {
      throw new NonRetryableError('broken');
    })
    .catch((error: Error) => error.message);
  return { first, both, raced, plain, failed };
}

it('ends the same whichever commit is cut, and no late commit of a frozen worker is accepted', async () => {
  const cases = await everyCrash({
    make: () => defineWorkflow({ name: 'everything' }, everything),
    input: null,
    script: (run) => run.send('answer', 'yes', { id: 'm' }),
  });
  expect(cases.length).toBeGreaterThan(30);
  for (const { history } of cases) {
    const settled = history.flatMap((record) =>
      record.kind === 'done' || record.kind === 'failed' ? [record.id] : [],
    );
    expect(new Set(settled).size).toBe(settled.length);
    expect(history.filter(({ kind }) => kind === 'end')).toHaveLength(1);
    expect(history.at(-1)?.kind).toBe('end');
  }
  expect(cases[0]?.end).toMatchObject({
    result: { first: 1, both: { slow: 'slow', flaky: 3 }, raced: 'yes' },
  });
});
