/** Redis commands that are carried out with the commit of a step's result. */
import { defineWorkflow, MisuseError, NonRetryableError, type Step } from '@holdfast/workflow';
import { testWorkflows } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { appOf, client, eventually, useRedis } from './setting.js';

useRedis();

it('carries out the effects of an attempt that is done, once, in their order', async () => {
  const flow = defineWorkflow({ name: 'flow' }, async (ctx, by: number) => {
    await ctx.step(
      'count',
      (step) => {
        step.effect('INCRBY', 'sum', by);
        step.effect('RPUSH', 'list', 'a', 1);
        if (step.attempt === 1) throw new Error('again');
        step.effect('RPUSH', 'list', 'b');
      },
      { backoff: { type: 'constant', delay: 1 }, undo: (step) => step.effect('RPUSH', 'list', 'undone') },
    );
    await ctx.once('once', (step) => step.effect('INCR', 'once'));
    await ctx.receive('go');
    throw new NonRetryableError('so it is undone');
  });
  const app = appOf([flow]);
  const worker = app.work();
  const run = await app.start(flow, 5);
  await eventually(async () => (await run.status()).status, 'sleeping');
  expect(await client().get('sum')).toBe('5');
  expect(await client().lrange('list', 0, -1)).toEqual(['a', '1', 'b']);
  await worker.stop();
  appOf([flow]).work();
  await run.send('go');
  await expect(run.result()).rejects.toThrow('so it is undone');
  expect(await client().mget('sum', 'once')).toEqual(['5', '1']);
  expect(await client().lrange('list', 0, -1)).toEqual(['a', '1', 'b', 'undone']);
});

it('leaves a run stuck of which Redis refuses an effect, without the result of the step', async () => {
  let key = 'list';
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) =>
    ctx.step('count', (step) => {
      step.effect('INCR', 'before');
      step.effect('INCR', key);
      return key;
    }),
  );
  const app = appOf([flow]);
  await client().rpush('list', 1);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toThrow(/Redis refused an effect: .*WRONGTYPE/);
  expect((await run.history()).map(({ kind }) => kind)).toEqual(['header']);
  key = 'number';
  expect(await run.retry()).toBe(true);
  await eventually(async () => (await run.status()).status, 'completed');
  expect(await client().mget('before', 'number')).toEqual(['2', '1']);
});

it('carries out nothing of a worker that has lost the run', async () => {
  const ends: (() => void)[] = [];
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) =>
    ctx.step('count', async (step) => {
      step.effect('RPUSH', 'list', ends.length);
      await new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  const test = testWorkflows({ workflows: [flow] });
  const run = await test.until(test.workflows.start(flow, null));
  await test.pass(1_000);
  test.worker.freeze();
  test.addWorker();
  await test.pass(2 * 86_400_000);
  for (const end of ends) end();
  await test.pass(1_000);
  test.worker.thaw();
  await test.until(run.result());
  await test.pass(1_000);
  expect(test.effects).toEqual([['RPUSH', 'list', '1']]);
});

it('refuses what is no command, and an effect of an attempt that is over', async () => {
  const steps: Step[] = [];
  const flow = defineWorkflow({ name: 'flow' }, async (ctx) =>
    ctx.step('one', (step) => {
      steps.push(step);
      for (const command of ['FLUSHALL', 'select', ''])
        expect(() => step.effect(command)).toThrow(MisuseError);
      // biome-ignore lint/suspicious/noExplicitAny: what programs in JavaScript may give.
      for (const wrong of [{}, null, Number.NaN] as any[])
        expect(() => step.effect('SET', 'key', wrong)).toThrow('strings and numbers');
      for (let n = 0; n < 100; n += 1) step.effect('INCR', 'n');
      expect(() => step.effect('INCR', 'n')).toThrow('at most 100 effects');
    }),
  );
  const app = appOf([flow]);
  app.work();
  await app.run(flow, null);
  expect(await client().get('n')).toBe('100');
  expect(() => steps[0]?.effect('INCR', 'n')).toThrow('the attempt has ended');
});
