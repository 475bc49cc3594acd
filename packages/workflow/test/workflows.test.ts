/** Runs on a real server: what an app, its workers and its runs do when nothing fails. */
import {
  defineWorkflow,
  MisuseError,
  NonRetryableError,
  RunCancelledError,
  RunFailedError,
  RunGoneError,
  type Step,
  type StepFailedError,
} from '@holdfast/workflow';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { appOf, eventually, useRedis } from './setting.js';

useRedis();

const sum = defineWorkflow({ name: 'sum' }, async (ctx, parts: readonly number[]) => {
  let total = 0;
  for (const part of parts) total += await ctx.step('add', () => part);
  return total;
});

it('runs a function to its result, and keeps its journal', async () => {
  const app = appOf([sum]);
  app.work();
  expect(await app.run(sum, [1, 2, 3], { id: 's' })).toBe(6);
  const run = app.get(sum, 's');
  expect(await run.result()).toBe(6);
  expect(await run.status()).toEqual({ status: 'completed', reason: undefined });
  const kinds = (await run.history()).map(({ kind }) => kind);
  expect(kinds).toEqual(['header', 'done', 'done', 'done', 'end']);
});

it('starts one run for an id, whoever asks', async () => {
  const app = appOf([sum]);
  const [one, other] = [await app.start(sum, [1], { id: 'x' }), await app.start(sum, [2], { id: 'x' })];
  appOf([sum]).work();
  expect(await one.result()).toBe(1);
  expect(await other.result()).toBe(1);
});

it('keeps apart runs of one id that work on different things', async () => {
  const app = appOf([sum]);
  app.work();
  const key = 'a place/of ~ its own\u00e9';
  const one = await app.start(sum, [1], { id: 'x', key });
  expect(await app.run(sum, [2], { id: 'x' })).toBe(2);
  expect(await one.result()).toBe(1);
  expect(await app.get(sum, 'x', { key }).result()).toBe(1);
  expect(await app.get(sum, 'x').result()).toBe(2);
  expect(await app.start(sum, [3], { id: 'x', key: 'x' }).then((run) => run.result())).toBe(2);
  await expect(app.start(sum, [1], { id: '~x' })).rejects.toThrow(MisuseError);
});

it('goes through many runs with several workers', async () => {
  const app = appOf([sum]);
  const apps = [appOf([sum]), appOf([sum])];
  for (const each of apps) each.work({ concurrency: 10 });
  const results = await Promise.all(Array.from({ length: 200 }, (_, n) => app.run(sum, [n, 1])));
  expect(results).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
});

it('sleeps and waits for messages without a worker', async () => {
  const flow = defineWorkflow(
    { name: 'wait', messages: { answer: z.object({ ok: z.boolean() }) } },
    async (ctx) => {
      ctx.state.set({ waitsFor: 'answer' });
      const answer = await ctx.receive<{ ok: boolean }>('answer');
      const none = await ctx.receive('other', { timeout: 50 });
      await ctx.sleep(50);
      return [answer, none ?? 'none'];
    },
  );
  const app = appOf([flow]);
  const worker = app.work();
  const run = await app.start(flow, null);
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  expect(worker.inFlight).toBe(0);
  expect(await run.state()).toEqual({ waitsFor: 'answer' });
  await expect(run.send('answer', { ok: 'yes' })).rejects.toThrow(MisuseError);
  expect(await run.send('answer', { ok: true }, { id: 'm1' })).toBe(true);
  expect(await run.send('answer', { ok: false }, { id: 'm1' })).toBe(true);
  expect(await run.result()).toEqual([{ ok: true }, 'none']);
  expect(await run.send('answer', { ok: true })).toBe(false);
});

it('tries a step again, each attempt with a higher token, and fails it for good', async () => {
  const steps: Pick<Step, 'attempt' | 'token'>[] = [];
  const flow = defineWorkflow({ name: 'again' }, async (ctx) => {
    const value = await ctx.step(
      'flaky',
      ({ attempt, token }) => {
        steps.push({ attempt, token });
        if (attempt < 3) throw new Error('not yet');
        return attempt;
      },
      { backoff: { type: 'constant', delay: 1 } },
    );
    const failed = await ctx
      .step('broken', () => Promise.reject(new NonRetryableError('never')))
      .catch((error: unknown) => error as StepFailedError);
    const late = await ctx
      .step('slow', () => new Promise(() => {}), { timeout: 20, attempts: 1 })
      .catch((error: unknown) => error as StepFailedError);
    return [value, (failed as StepFailedError).reason.message, (late as StepFailedError).message];
  });
  const app = appOf([flow]);
  app.work();
  expect(await app.run(flow, null)).toEqual([3, 'never', expect.stringContaining('timeout of 20 ms')]);
  expect(steps.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(steps.map(({ token }) => token)).toEqual(steps.map(({ token }) => token).sort((a, b) => a - b));
  expect(new Set(steps.map(({ token }) => token)).size).toBe(3);
});

it('tells how a run has failed, was cancelled, or is not there', async () => {
  const bad = defineWorkflow({ name: 'bad' }, async () => Promise.reject(new Error('broken')));
  const long = defineWorkflow({ name: 'long' }, async (ctx) => {
    try {
      await ctx.sleep(3_600_000);
    } finally {
      await ctx.shield((c) => c.step('clean up', () => cleaned.push('up')));
    }
  });
  const cleaned: string[] = [];
  const app = appOf([bad, long]);
  app.work();
  await expect(app.run(bad, null)).rejects.toThrow(RunFailedError);
  const run = await app.start(long, null);
  await eventually(async () => (await run.status()).status, 'sleeping' as const);
  expect(await run.cancel('changed my mind')).toBe(true);
  await expect(run.result()).rejects.toThrow(RunCancelledError);
  expect(cleaned).toEqual(['up']);
  expect(await run.status()).toEqual({ status: 'cancelled', reason: 'changed my mind' });
  await expect(app.get(long, 'none').result()).rejects.toThrow(RunGoneError);
});

it('goes several ways at once, and cancels those that are not needed', async () => {
  const aborted: string[] = [];
  const flow = defineWorkflow({ name: 'ways' }, async (ctx) => {
    const both = await ctx.all({ a: (c) => c.step('a', () => 1), b: (c) => c.step('b', () => 'two') });
    const first = await ctx.race([
      (c) =>
        c.step(
          'slow',
          ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                aborted.push('slow');
                reject(signal.reason);
              });
            }),
        ),
      (c) => c.step('fast', () => 'fast'),
    ]);
    const mapped = await ctx.map([1, 2, 3], (c, n) => c.step('double', () => 2 * n), { concurrency: 2 });
    const counted = await ctx.loop<number, string>(0, async (c, n) => {
      const next = await c.step('count', () => n + 1);
      return next === 3 ? { done: `${next}` } : { next };
    });
    return { ...both, first, mapped, counted };
  });
  const app = appOf([flow]);
  app.work();
  const result = { a: 1, b: 'two', first: 'fast', mapped: [2, 4, 6], counted: '3' };
  expect(await app.run(flow, null)).toEqual(result);
  expect(aborted).toEqual(['slow']);
});

it('begins no branch of a run that was cancelled, and does not take those that there are for all', async () => {
  const flow = defineWorkflow({ name: 'late' }, async (ctx, early: boolean) => {
    if (early) await ctx.shield((c) => c.receive('go'));
    return ctx.map([1, 2], (c) => c.sleep(600_000).catch(() => 'stopped'), { concurrency: 1 });
  });
  const app = appOf([flow]);
  app.work();
  for (const early of [true, false]) {
    const run = await app.start(flow, early);
    await eventually(async () => (await run.status()).status, 'sleeping');
    await run.cancel('changed my mind');
    await run.send('go');
    await expect(run.result()).rejects.toThrow(RunCancelledError);
  }
});

it('says of a run that awaits what is not a step that it is stuck, and lets it go on when that is mended', async () => {
  let isMended = false;
  const flow = defineWorkflow({ name: 'foreign' }, async (ctx) => {
    await ctx.step('first', () => 1);
    if (!isMended) await new Promise((resolve) => setTimeout(resolve, 5));
    return ctx.step('second', () => 2);
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toMatchObject({
    code: 'HOLDFAST_RUN_STUCK',
    reason: expect.stringContaining('the step "second" comes after something that the journal does not have'),
  });
  isMended = true;
  expect(await run.retry()).toBe(true);
  expect(await run.result()).toBe(2);
});

it('fails a step and a run by whatever is thrown, also by what cannot be asked for its class', async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const flow = defineWorkflow({ name: 'nonsense' }, async (ctx) => {
    const step = ctx.step('throws', () => Promise.reject(proxy), { attempts: 1 });
    await step.catch((error: StepFailedError) => ctx.state.set(error.reason.message));
    throw proxy;
  });
  const app = appOf([flow]);
  app.work();
  const run = await app.start(flow, null);
  await expect(run.result()).rejects.toThrow(RunFailedError);
  expect(await run.state()).toBe('a value that cannot be shown');
});

it('refuses to keep what JSON would alter, and says where it is', async () => {
  const flow = defineWorkflow({ name: 'altered' }, (ctx) => ctx.step('maps', () => ({ sizes: [new Map()] })));
  const app = appOf([flow]);
  app.work();
  await expect(app.run(flow, null)).rejects.toThrow(/"maps".*has no Map: it is at \.sizes\[0\]/);
  await expect(app.start(flow, { sum: Number.NaN })).rejects.toThrow(/has no NaN: it is at \.sum/);
});
