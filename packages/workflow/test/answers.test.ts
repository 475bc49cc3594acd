/** Questions to runs, what people approve, and tasks of a queue on which a run waits: on a real server, with workers that die. */
import { createQueue, createWorker, type Task } from '@holdfast/queue';
import { defineWorkflow, MisuseError, NonRetryableError, replyTo, UnansweredError } from '@holdfast/workflow';
import { everyCrash } from '@holdfast/workflow/testing';
import { expect, it } from 'vitest';
import { appOf, client, eventually, later, url, useRedis } from './setting.js';

useRedis();

const counter = () =>
  defineWorkflow({ name: 'counter' }, async (ctx) => {
    let total = 0;
    for (;;) {
      const message = await ctx.receiveMessage<number>('add');
      if (!message || message.payload < 0) return total;
      total += await ctx.step('add', () => message.payload);
      message.reply({ total });
    }
  });

it('answers whoever asks, the same to the same question, whoever works', async () => {
  const flow = counter();
  const [asker, worker] = [appOf([flow]), appOf([flow])];
  const working = worker.work();
  const run = await asker.start(flow, null, { id: 'c' });
  expect(await run.ask('add', 1)).toEqual({ total: 1 });
  expect(await run.ask('add', 2, { id: 'q' })).toEqual({ total: 3 });
  expect(await asker.get(flow, 'c').ask('add', 2, { id: 'q' })).toEqual({ total: 3 });
  await working.stop();
  appOf([flow]).work();
  expect(await run.ask('add', 3)).toEqual({ total: 6 });
  await run.send('add', -1);
  expect(await run.result()).toBe(6);
  expect(await run.ask('add', 2, { id: 'q' })).toEqual({ total: 3 });
  await expect(run.ask('add', 4)).rejects.toThrow(UnansweredError);
});

it('says so when there is no answer in time, or the run ends without one', async () => {
  const flow = defineWorkflow({ name: 'silent' }, async (ctx) => ctx.receive('end'));
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.ask('question', 1, { timeout: 50 })).rejects.toThrow('within 50 ms');
  const asked = run.ask('other');
  await eventually(async () => (await run.history()).length, 3);
  await run.send('end');
  await expect(asked).rejects.toThrow('it is completed');
});

it('gives one answer to a question, whichever commit is cut', async () => {
  const answers: unknown[] = [];
  await everyCrash({
    make: counter,
    input: null,
    script: async (run) => {
      answers.push(await run.ask('add', 1, { id: 'a' }), await run.ask('add', 2, { id: 'b' }));
      await run.send('add', -1, { id: 'c' });
    },
  });
  expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
    new Set(['{"total":1}', '{"total":3}']),
  );
});

it('shows what is to be approved, and gives the answer to the function', async () => {
  const flow = defineWorkflow({ name: 'approved' }, async (ctx) => {
    ctx.state.set('waits');
    const both = await Promise.all([
      ctx.approve<boolean>('pay', { to: 'finance', show: { sum: 7 } }),
      ctx.approve('never', { timeout: 100 }),
    ]);
    return both.map((each) => each ?? 'nobody');
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  const pay = { id: expect.any(String), name: 'pay', to: 'finance', show: { sum: 7 } };
  await expect.poll(() => run.approvals(), { timeout: 20_000 }).toEqual([pay]);
  expect(await run.state()).toBe('waits');
  expect(await run.approve('pay', true, 'eve')).toBe(true);
  expect(await run.result()).toEqual([{ answer: true, by: 'eve' }, 'nobody']);
  expect(await run.approvals()).toEqual([]);
});

it('waits for the result of a task of a queue, which is sent before the task completes', async () => {
  const queue = createQueue<number>({ redis: url(), name: 'jobs' });
  later(() => queue.close());
  const flow = defineWorkflow({ name: 'tasks' }, async (ctx, n: number) => {
    await ctx.task(queue, 0);
    const double = await ctx.task<number>(queue, n, { reply: true });
    const failed = await ctx.task(queue, -1, { reply: true }).catch((error: Error) => error.message);
    return [double, failed];
  });
  const app = appOf([flow]);
  app.work();
  const seen = new Set<string>();
  const handler = replyTo(app, ({ id, data }: Task<number>) => {
    seen.add(id);
    if (data < 0) throw new NonRetryableError('below zero');
    return 2 * data;
  });
  const worker = createWorker({ queue, handler });
  later(() => worker.stop());
  expect(await app.run(flow, 4, { id: 'with/slash', key: 'k' })).toEqual([
    8,
    expect.stringContaining('below zero'),
  ]);
  expect(seen.size).toBe(3);
  const [id = ''] = seen;
  expect(await app.replyToTask(id, { status: 'done', value: 1 })).toBe(false);
  await expect(app.replyToTask('1-0', { status: 'done', value: 1 })).rejects.toThrow('no id of a task');
});

it('adds one task, though the worker dies behind it', async () => {
  const added: string[] = [];
  let isLost = true;
  const queue = {
    add: async (_: unknown, { id }: { id: string }) => {
      added.push(id);
      if (isLost) await new Promise(() => {});
    },
  };
  const flow = defineWorkflow({ name: 'tasks' }, async (ctx) => ctx.task(queue, 1, { reply: true }));
  const app = appOf([flow]);
  app.work({ lease: 300 });
  const run = await app.start(flow, null);
  await eventually(() => added.length, 1);
  isLost = false;
  const sessions = '{wf:test.0}:sessions';
  for (const session of await client().zrange(sessions, '0', '-1')) await client().zadd(sessions, 0, session);
  await eventually(() => added.length, 2);
  expect(new Set(added).size).toBe(1);
  await app.replyToTask(added[0] ?? '', { status: 'done', value: 'done' });
  expect(await run.result()).toBe('done');
});

it('adds a task of its own in a fork of a run that waits for one', async () => {
  const added: string[] = [];
  const queue = { add: async (_: unknown, { id }: { id: string }) => added.push(id) };
  const flow = defineWorkflow({ name: 'tasks' }, async (ctx) => {
    await ctx.task(queue, 1);
    return ctx.task(queue, 2, { reply: true, timeout: 600_000 });
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await eventually(async () => (await run.status()).status, 'sleeping');
  const [, awaited = ''] = added;
  const fork = await run.fork();
  await eventually(() => added.length, 3);
  await app.replyToTask(added[2] ?? '', { status: 'done', value: 'of the fork' });
  expect(await fork.result()).toBe('of the fork');
  await app.replyToTask(awaited, { status: 'done', value: 'of the run' });
  expect(await run.result()).toBe('of the run');
  // One that has the result keeps it.
  expect(await (await run.fork()).result()).toBe('of the run');
  expect(added).toHaveLength(3);
});

it('gives other runs what a step has given for the same key', async () => {
  const calls: string[] = [];
  const flow = defineWorkflow({ name: 'cached' }, async (ctx, key: string) =>
    ctx.step('costly', () => calls.push(key), { cache: { key, ttl: 600_000 } }),
  );
  const app = appOf([flow]);
  app.work();
  expect(await app.run(flow, 'a')).toBe(1);
  // It is kept once the run may be over already.
  await eventually(async () => {
    const before = calls.length;
    await app.run(flow, 'a');
    return calls.length === before;
  }, true);
  await app.run(flow, 'b');
  expect(calls.at(-1)).toBe('b');
});

it('refuses two approvals of one name that are open, and a question that would wait for ever', async () => {
  const flow = defineWorkflow({ name: 'twice' }, (ctx) => Promise.all([ctx.approve('n'), ctx.approve('n')]));
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toThrow('An approval "n" is open already');
  await expect(run.ask('q', 1, { timeout: 2 ** 31 })).rejects.toThrow(MisuseError);
});
