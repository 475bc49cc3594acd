/** What users' tests get: virtual time, and a crash at every commit. */

import { type Random, seededRandom } from '@holdfast/kernel';
import { defineWorkflow, NonRetryableError, type Step, type WorkflowContext } from '@holdfast/workflow';
import { checkHistory, everyCrash, exportHistory, testWorkflows } from '@holdfast/workflow/testing';
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

it('cuts every commit of a run that has children and goes on over another journal', async () => {
  const child = () =>
    defineWorkflow({ name: 'child' }, async (ctx, n: number) => {
      await ctx.sleep(1_000);
      return ctx.step('double', () => 2 * n);
    });
  const make = () => {
    const its = child();
    const flow = defineWorkflow({ name: 'parent' }, async (ctx, { n, sum }: { n: number; sum: number }) => {
      const [one, two] = await Promise.all([ctx.child(its, n), ctx.child(its, n + 1)]);
      const told = await ctx.receive<number>('add');
      const next = sum + one + two + (told ?? 0);
      return n < 3 ? ctx.continueAs({ n: n + 2, sum: next }) : ctx.step('end', () => next);
    });
    return [flow, its] as const;
  };
  const cases = await everyCrash({
    make,
    input: { n: 1, sum: 0 },
    script: async (run) => {
      await run.send('add', 100, { id: 'm1' });
      await run.send('add', 1_000, { id: 'm2' });
    },
  });
  // Commits of the children are cut too, as the worker has them all.
  expect(cases.length).toBeGreaterThan(40);
  for (const { end } of cases) expect(end).toEqual({ result: 2 + 4 + 6 + 8 + 1_100 });
});

/** Something outside, which takes as long as chance has it. */
async function foreign(random: Random): Promise<void> {
  for (let turns = Math.floor(5 * random.unit()); turns >= 0; turns -= 1)
    await new Promise((resolve) => setImmediate(resolve));
}

it('lets steps with keys come when they like, whatever is awaited before them, at every cut', async () => {
  const seed = Math.floor(Math.random() * 1e9);
  const random = seededRandom(seed);
  const make = () =>
    defineWorkflow({ name: 'foreign' }, async (ctx) => {
      const parts = await Promise.all(
        ['a', 'b', 'c'].map(async (key) => {
          await foreign(random);
          const first = await ctx.step('first', () => key, { key: `first-${key}` });
          await foreign(random);
          return ctx.step('second', () => first + first, { key: `second-${key}` });
        }),
      );
      await ctx.sleep(1_000);
      return parts.join(' ');
    });
  const cases = await everyCrash({ make, input: null }).catch((error: unknown) => {
    throw new Error(`seed ${seed}`, { cause: error });
  });
  expect(cases.length).toBeGreaterThan(10);
  for (const { end } of cases) expect(end).toEqual({ result: 'aa bb cc' });
});

it('finds a step without a key that comes after something outside, however long that takes', async () => {
  const seed = Math.floor(Math.random() * 1e9);
  const random = seededRandom(seed);
  const make = () =>
    defineWorkflow({ name: 'late' }, async (ctx) => {
      await ctx.step('first', () => 1);
      await foreign(random);
      return ctx.step('second', () => 2);
    });
  const [whole] = await everyCrash({ make, input: null });
  expect(whole?.end, `seed ${seed}`).toMatchObject({
    error: { name: 'RunStuckError', message: expect.stringContaining('the step "second" comes after') },
  });
});

it('finds a function whose end depends on when its worker fails', async () => {
  const make = () => {
    let runs = 0;
    return defineWorkflow({ name: 'impure' }, async (ctx) => {
      runs += 1;
      const times = runs;
      await ctx.step('once', () => 1);
      return times;
    });
  };
  await expect(everyCrash({ make, input: null })).rejects.toThrow(
    /with commit 1 cut \(answer lost\), the run ends as/,
  );
});

it('keeps out a worker that was frozen in a body while another took its run over', async () => {
  const steps: Step[] = [];
  const ends: (() => void)[] = [];
  const flow = defineWorkflow({ name: 'frozen' }, async (ctx) =>
    ctx.step('body', (step) => {
      steps.push(step);
      return new Promise<string>((resolve) => ends.push(() => resolve(`attempt ${steps.indexOf(step)}`)));
    }),
  );
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, null));
  await test.pass(1_000);
  test.worker.freeze();
  const other = test.addWorker();
  await test.pass(2 * DAY);
  expect(other.inFlight).toBe(1);
  const [early, later] = steps as [Step, Step];
  expect(later.token).toBeGreaterThan(early.token);
  ends[0]?.();
  await test.pass(1_000);
  test.worker.thaw();
  await test.pass(1_000);
  expect(early.signal.aborted).toBe(true);
  expect(early.lease.remaining()).toBe(0);
  expect((await test.until(run.history())).map(({ kind }) => kind)).toEqual(['header']);
  ends[1]?.();
  expect(await test.until(run.result())).toBe('attempt 1');
});

it('lets a worker go on that thaws before its lease is over', async () => {
  const flow = defineWorkflow({ name: 'short' }, async (ctx) => {
    await ctx.sleep(1_000);
    return ctx.step('body', ({ attempt }) => attempt);
  });
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, null));
  test.worker.freeze();
  await test.pass(60_000);
  expect((await test.until(run.status())).status).not.toBe('completed');
  test.worker.thaw();
  expect(await test.until(run.result())).toBe(1);
});

it('checks a recorded run against the code that is to be deployed', async () => {
  const make = (last: string) =>
    defineWorkflow({ name: 'shop' }, async (ctx, price: number) => {
      const paid = await ctx.step('pay', () => price);
      await ctx.sleep(DAY);
      return { paid, last: await ctx.step(last, () => last) };
    });
  const flow = make('ship');
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, 5, { id: 'o1' }));
  await test.settled(run);
  const half = await test.until(exportHistory(run));
  expect(await checkHistory(make('send'), half)).toEqual({ outcome: undefined, begins: [] });
  await test.until(run.result());
  const whole = JSON.parse(JSON.stringify(await test.until(exportHistory(run))));
  expect(await checkHistory(flow, whole)).toMatchObject({
    outcome: { status: 'completed', value: { paid: 5, last: 'ship' } },
  });
  await expect(checkHistory(make('send'), whole)).rejects.toMatchObject({
    code: 'HOLDFAST_NONDETERMINISTIC',
    reason: expect.stringContaining(
      'at 2 the journal has the step "ship", and the function began the step "send"',
    ),
  });
  const other = defineWorkflow({ name: 'shop' }, async (ctx, price: number) => {
    await ctx.step('pay', () => price);
    await ctx.sleep(DAY);
    await ctx.step('ship', () => 'ship');
    return 'another value';
  });
  await expect(checkHistory(other, whole)).rejects.toThrow('and the history ends as');
});
